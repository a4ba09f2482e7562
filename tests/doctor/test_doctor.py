"""`python -m ubernet_jax.doctor`: what it says of healthy and of broken sets, and of leaks."""

import json
import pathlib
import shutil
import subprocess
import sys

import jax
import numpy as np
import pytest
from PIL import Image

from helpers.paths import ROOT
from ubernet_jax import prepare
from ubernet_jax.datasets import open_dataset
from ubernet_jax.datasets.builders import synthetic
from ubernet_jax.datasets.builders.registry import BUILDERS
from ubernet_jax.datasets.storage import records
from ubernet_jax.doctor import command as doctor
from ubernet_jax.doctor import dataset_report
from ubernet_jax.errors import UserError
from ubernet_jax.labels.standard import VOC_CLASSES

# Of ml_collections, as it loads a config file.
pytestmark = pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')

SHARD = f'synthetic/{records.VERSION}/synthetic-train.array_record-00000-of-00001'
CLASS_LABELS = ('segmentation', 'semantic_boundaries')
CONFIG = """
from ubernet_jax import config as c

def get_config():
    return c.Config(
        name='tiny',
        steps=1,
        tasks={{'segmentation': c.Segmentation(classes={classes})}},
        data=c.DataConfig(
            train=[c.DatasetConfig(name='{train[0]}', split='{train[1]}')],
            leaks=c.Leaks.{leaks},
        ),
        evaluation=c.EvaluationConfig(
            benchmarks=[c.DatasetConfig(name='{test[0]}', split='{test[1]}')]
        ),
    )
"""


@pytest.fixture(scope='module')
def whole(tmp_path_factory) -> pathlib.Path:
    """Four synthetic scenes, and `folder/found`, whose image is scene 1 as a small JPEG."""
    directory, raw = tmp_path_factory.mktemp('prepared'), tmp_path_factory.mktemp('raw')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, 'SEEDS', {'train': range(3), 'test': range(8, 9)})
        prepare.main(['synthetic', '--directory', str(directory)])
    scene = open_dataset('synthetic', 'train', directory)[1]
    for kind, suffix in (('images', 'jpg'), ('segmentation', 'png')):
        path = raw / 'found' / 'test' / kind / f'holiday.{suffix}'
        path.parent.mkdir(parents=True)
        array = scene.image if kind == 'images' else np.full((161, 161), 255, np.uint8)
        Image.fromarray(array).resize((120, 120), Image.Resampling.NEAREST).save(path)
    prepare.main(['folder/found', '--source', str(raw), '--directory', str(directory)])
    assert doctor.main(['--data-root', str(directory)]) == 0  # fingerprints are there from now on
    return directory


@pytest.fixture
def prepared(whole, tmp_path) -> pathlib.Path:
    """A copy to be broken."""
    return shutil.copytree(whole, tmp_path / 'prepared')


def write_config(
    folder: pathlib.Path,
    train: tuple[str, str] = ('synthetic', 'train'),
    test: tuple[str, str] = ('synthetic', 'test'),
    leaks: str = 'REFUSE',
    classes: tuple[str, ...] = (),
) -> str:
    path = folder / 'tiny.py'
    path.write_text(CONFIG.format(train=train, test=test, leaks=leaks, classes=classes))
    return str(path)


def diagnose(capsys, directory: pathlib.Path, *arguments: str) -> tuple[int, dict]:
    """The exit code, and what `--json` prints."""
    capsys.readouterr()
    code = doctor.main(['--data-root', str(directory), '--json', *arguments])
    return code, json.loads(capsys.readouterr().out)


def about(report: dict, name: str) -> dict:
    return next(one for one in report['sets'] if one['name'] == name)


def test_healthy_sets_are_told_in_full(whole, capsys):
    code, report = diagnose(capsys, whole)
    assert code == 0 and report['healthy'] and report['config'] is None
    assert report['directory'] == str(whole)
    assert [one['name'] for one in report['sets']] == [*BUILDERS, 'folder/found']
    statuses = {one['name']: one['status'] for one in report['sets']}
    assert {name for name in statuses if statuses[name] == 'ready'} == {'synthetic', 'folder/found'}
    assert statuses['sbd'] == 'absent'

    found = about(report, 'synthetic')
    assert (found['errors'], found['duplicates']) == ([], [])
    absent = 'classes without a pixel (15): aeroplane, bicycle, boat, bus, car, ...'
    assert found['notes'] == [f'{name}: {absent}' for name in CLASS_LABELS]
    train = found['splits']['train']
    assert train['images'] == 3 and train['official'] == 240
    assert train['height'] == train['width'] == [161, 161]
    scenes = [open_dataset('synthetic', 'train', whole)[index] for index in range(3)]
    classes = np.concatenate([scene.labels['segmentation'].ravel() for scene in scenes])
    highest = classes.max()
    lowest = classes[classes > 0].min()
    assert train['labels'] == {
        'boundaries': {'images': 3, 'read': 3, 'void': None, 'values': '0-255'},
        'normals': {'images': 3, 'read': 3, 'void': 0, 'values': ''},
        'depth': {'images': 3, 'read': 3, 'void': 0, 'values': '3-7 m'},
        'saliency': {'images': 3, 'read': 3, 'void': None, 'values': '0-255'},
        'segmentation': {'images': 3, 'read': 3, 'void': 0, 'values': f'0-{highest}'},
        'parts': {'images': 3, 'read': 3, 'void': 0, 'values': '0-6'},
        'semantic_boundaries': {'images': 3, 'read': 3, 'void': 0, 'values': f'0-{highest}'},
        'detection': {'images': 3, 'read': 3, 'void': 0, 'values': f'{lowest}-{highest}'},
    }
    holiday = about(report, 'folder/found')
    assert holiday['splits']['test']['labels'] == {
        'segmentation': {'images': 1, 'read': 1, 'void': 1, 'values': ''}
    }
    assert holiday['notes'] == ['segmentation: the labels have no pixel of any class but the first']


def test_the_machine_is_described(whole, capsys):
    _, report = diagnose(capsys, whole)
    environment = report['environment']
    assert environment['versions']['jax'] == jax.__version__
    assert environment['versions']['numpy'] == np.__version__
    assert set(environment['versions']) == {'python', 'ubernet_jax', 'jax', 'jaxlib', 'numpy'}
    assert len(environment['devices']) == len(jax.devices()) and environment['error'] == ''
    assert environment['cores'] >= 1 and environment['memory'] > 2**28


def test_the_table_for_people(whole, capsys):
    assert doctor.main(['--data-root', str(whole)]) == 0
    lines = [' '.join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert 'synthetic ready train 3 240 161 161 0' in lines
    assert 'test 1 40 161 161 0' in lines
    assert 'folder/found ready test 1 - 120 120 0' in lines
    assert 'folder/found test segmentation 1 1 100.0% -' in lines
    assert lines[-1] == 'all is well'
    assert any(line.startswith('absent: bsds500, voc2007') for line in lines)


def test_a_missing_shard_is_named(prepared, capsys):
    (prepared / SHARD).unlink()
    code, report = diagnose(capsys, prepared)
    found = about(report, 'synthetic')
    assert code == 1 and not report['healthy'] and found['status'] == 'broken'
    (error,) = found['errors']
    assert error.startswith(f'there is no file {prepared / SHARD}; delete ')
    doctor.main(['--data-root', str(prepared)])
    assert f'synthetic is broken\n  {error}\n' in capsys.readouterr().out


def corrupt(path: pathlib.Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 255
    path.write_bytes(content)


def test_a_corrupted_record_is_named_and_the_others_are_read(prepared, capsys):
    corrupt(prepared / SHARD, 2000)
    code, report = diagnose(capsys, prepared)
    found = about(report, 'synthetic')
    assert code == 1 and found['status'] == 'broken'
    (error,) = found['errors']
    assert 'synthetic:train: record 0 cannot be read' in error and 'prepare the set again' in error
    assert found['splits']['train']['labels']['parts']['read'] == 2
    for path in prepared.rglob('fingerprints*'):
        path.unlink()
    code, report = diagnose(capsys, prepared)
    assert code == 1 and 'record 0' in about(report, 'synthetic')['errors'][-1]


def test_all_pixels_are_read_only_if_asked_for(prepared, capsys, monkeypatch):
    monkeypatch.setattr(dataset_report, 'SAMPLE', 1)
    last = (prepared / SHARD).stat().st_size * 2 // 3
    corrupt(prepared / SHARD, last)
    code, report = diagnose(capsys, prepared)
    assert code == 0
    assert about(report, 'synthetic')['splits']['train']['labels']['parts']['read'] == 1
    code, report = diagnose(capsys, prepared, '--full')
    assert code == 1 and 'cannot be read' in about(report, 'synthetic')['errors'][0]


def test_a_set_of_another_format_is_broken(prepared, capsys):
    (prepared / 'synthetic' / records.VERSION).rename(prepared / 'synthetic' / '1.0.0')
    code, report = diagnose(capsys, prepared)
    found = about(report, 'synthetic')
    assert code == 1 and found['status'] == 'broken'
    assert found['errors'] == [
        f'is in format 1.0.0, but {records.VERSION} is read now; prepare it again'
    ]


def test_an_older_format_beside_todays_is_only_told(prepared, capsys):
    (prepared / 'synthetic' / '1.0.0').mkdir()
    code, report = diagnose(capsys, prepared)
    found = about(report, 'synthetic')
    assert code == 0 and found['status'] == 'ready'
    assert found['notes'][0] == 'what is there in format 1.0.0 can be deleted'


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('metadata.json', None, 'there is no file'),
        ('metadata.json', '{"train"', 'its description cannot be read'),
        ('dataset_info.json', None, 'there is no file'),
        ('dataset_info.json', '{"name"', 'its description cannot be read'),
        ('dataset_info.json', json.dumps({'version': records.VERSION}), 'cannot be read (KeyError'),
    ],
)
def test_a_broken_description(name, content, message, prepared, capsys):
    path = prepared / 'synthetic' / records.VERSION / name
    path.write_text(content) if content else path.unlink()
    code, report = diagnose(capsys, prepared)
    found = about(report, 'synthetic')
    assert code == 1 and found['status'] == 'broken'
    assert message in found['errors'][0] and f'delete {path.parents[1]}' in found['errors'][0]
    assert about(report, 'folder/found')['status'] == 'ready'


def test_ids_that_do_not_fit_the_records(prepared, capsys):
    path = prepared / 'synthetic' / records.VERSION / 'metadata.json'
    metadata = json.loads(path.read_text())
    metadata['train']['ids'].pop()
    path.write_text(json.dumps(metadata))
    _, report = diagnose(capsys, prepared)
    (error,) = about(report, 'synthetic')['errors']
    assert error.startswith('train has 3 records, but 2 ids; delete ')


def test_a_size_that_is_not_the_images(prepared, capsys):
    path = prepared / 'synthetic' / records.VERSION / 'metadata.json'
    metadata = json.loads(path.read_text())
    metadata['test']['sizes'][0] = [161, 100]
    path.write_text(json.dumps(metadata))
    _, report = diagnose(capsys, prepared)
    errors = about(report, 'synthetic')['errors']
    image = open_dataset('synthetic', 'test', prepared).ids[0]
    assert f'synthetic:test, image {image}: the image has the shape (161, 161, 3)' in errors[0]


def test_classes_that_are_not_those_of_the_labels(whole, tmp_path, capsys):
    config = write_config(tmp_path, classes=('background', *VOC_CLASSES[:0:-1]))
    code, report = diagnose(capsys, whole, '--config', config)
    (error,) = report['config']['errors']
    assert code == 1 and about(report, 'synthetic')['status'] == 'ready'
    assert "the task segmentation are not those of the label 'segmentation' of synthetic:" in error
    assert 'task  (21): background, tvmonitor, train' in error
    assert 'label (21): background, aeroplane, bicycle' in error


def test_a_record_with_a_class_out_of_range(prepared, capsys):
    """As of a set whose kinds were changed by hand: every label is checked against its kind."""
    path = prepared / 'synthetic' / records.VERSION / 'metadata.json'
    metadata = json.loads(path.read_text())
    scenes = [open_dataset('synthetic', 'train', prepared)[index] for index in range(3)]
    highest = [int(scene.labels['segmentation'].max()) for scene in scenes]
    for split in metadata.values():
        classes = split['labels']['segmentation']['classes']
        split['labels']['segmentation']['classes'] = classes[: max(highest)]
    path.write_text(json.dumps(metadata))
    code, report = diagnose(capsys, prepared)
    found = about(report, 'synthetic')
    assert code == 1 and found['status'] == 'broken'
    image = scenes[highest.index(max(highest))].id
    assert found['errors'][0] == (
        f'synthetic:train, image {image}: segmentation class index {max(highest)} is out of range; '
        f'allowed are 0 to {max(highest) - 1}, and 255 where the class is not known; '
        'prepare the set again'
    )


def test_values_that_can_only_be_wrong(prepared, capsys):
    """`prepare` refuses these, but may not have done so always."""
    path = prepared / 'synthetic' / records.VERSION / 'metadata.json'
    metadata = json.loads(path.read_text())
    for split in metadata.values():
        survey = split['surveys']['saliency']['histogram']
        split['surveys']['saliency']['histogram'] = [survey[0], survey[255], *[0] * 254]
    path.write_text(json.dumps(metadata))
    code, report = diagnose(capsys, prepared)
    (error,) = about(report, 'synthetic')['errors']
    assert code == 1 and error.startswith('saliency: no value is above 1')


def test_a_configuration_that_is_well(whole, tmp_path, capsys):
    config = write_config(tmp_path)
    code, report = diagnose(capsys, whole, '--config', config)
    assert code == 0
    assert report['config'] == {'name': 'tiny', 'errors': [], 'leaks': [], 'policy': 'refuse'}
    doctor.main(['--data-root', str(whole), '--config', config])
    output = capsys.readouterr().out
    assert 'configuration tiny: no test image among the training images' in output


@pytest.mark.parametrize(('leaks', 'code'), [('REFUSE', 1), ('ALLOW', 1), ('LEAVE_OUT', 0)])
def test_a_leak_under_another_name(leaks, code, whole, tmp_path, capsys):
    config = write_config(tmp_path, test=('folder/found', 'test'), leaks=leaks)
    found, report = diagnose(capsys, whole, '--config', config)
    assert found == code
    scene = open_dataset('synthetic', 'train', whole).ids[1]
    assert report['config']['leaks'] == [
        {
            'first': {'dataset': 'synthetic', 'split': 'train', 'id': scene},
            'second': {'dataset': 'folder/found', 'split': 'test', 'id': 'holiday'},
            'evidence': 'fingerprint',
        }
    ]
    doctor.main(['--data-root', str(whole), '--config', config])
    assert (
        f'1 of synthetic:train are in folder/found:test: {scene} is holiday (they look the same)'
    ) in capsys.readouterr().out


def test_a_leak_by_id(whole, tmp_path, capsys):
    config = write_config(tmp_path, test=('synthetic', 'train'))
    code, report = diagnose(capsys, whole, '--config', config)
    assert code == 1
    assert [leak['evidence'] for leak in report['config']['leaks']] == ['id'] * 3


def test_a_set_that_the_configuration_lacks(whole, tmp_path, capsys):
    config = write_config(tmp_path, train=('sbd', 'train'), test=('synthetic', 'dev'))
    code, report = diagnose(capsys, whole, '--config', config)
    absent, split = report['config']['errors']
    assert code == 1 and absent.startswith('data.train[0]: dataset sbd is not prepared in')
    assert split.startswith("evaluation.benchmarks[0]: dataset synthetic has no split 'dev'")


def test_a_task_that_no_training_set_labels(whole, tmp_path, capsys):
    config = write_config(tmp_path, train=('folder/found', 'test'))
    config = pathlib.Path(config)
    text = config.read_text().replace(
        "'segmentation': c.Segmentation(classes=())", "'normals': c.Normals()"
    )
    config.write_text(text)
    code, report = diagnose(capsys, whole, '--config', str(config))
    assert code == 1 and report['config']['errors'] == [
        'no training set labels normals; add one to data.train, or leave the task out'
    ]


def test_a_photograph_twice_in_a_set(tmp_path, capsys):
    scenes = [Image.new('RGB', (40, 30)), *(Image.effect_noise((40, 30), 90) for _ in range(2))]
    for split, names in (('train', 'abc'), ('test', 'de')):
        for name, scene in zip(names, [scenes[1], scenes[2], scenes[1]], strict=False):
            path = tmp_path / 'raw' / 'mine' / split / 'images' / f'{name}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            scene.convert('RGB').save(path)
    labels = tmp_path / 'raw' / 'mine' / 'train' / 'saliency' / 'a.png'
    labels.parent.mkdir()
    Image.new('L', (40, 30)).save(labels)
    directory = tmp_path / 'prepared'
    prepare.main(['folder/mine', '--source', str(tmp_path / 'raw'), '--directory', str(directory)])
    code, report = diagnose(capsys, directory)
    pairs = about(report, 'folder/mine')['duplicates']
    assert code == 0  # whether it matters, only a configuration can say
    assert {(pair['first']['id'], pair['second']['id']) for pair in pairs} == {
        ('a', 'c'), ('d', 'a'), ('e', 'b'),
    }  # fmt: skip
    doctor.main(['--data-root', str(directory)])
    output = capsys.readouterr().out
    assert '  folder/mine train: a = c\n  folder/mine test and train: d = a, e = b\n' in output


def test_a_machine_without_a_device(whole, capsys, monkeypatch):
    def refuse() -> None:
        raise RuntimeError('no driver')

    monkeypatch.setattr(jax, 'devices', refuse)
    code, report = diagnose(capsys, whole)
    assert code == 1 and report['environment']['error'] == 'JAX finds no device: no driver'


def test_no_folder_and_no_config_file_are_messages(tmp_path):
    with pytest.raises(UserError, match=r'none is not a folder; .*--data-root'):
        doctor.main(['--data-root', str(tmp_path / 'none')])
    with pytest.raises(UserError, match='holds no prepared set'):
        doctor.main(['--data-root', str(tmp_path)])
    with pytest.raises(UserError, match=r'there is no file .*none\.py'):
        doctor.main(['--config', str(tmp_path / 'none.py')])


def test_from_the_shell(prepared):
    (prepared / SHARD).unlink()
    words = ['-m', 'ubernet_jax.doctor', '--json', '--data-root', str(prepared)]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert not json.loads(done.stdout)['healthy']
