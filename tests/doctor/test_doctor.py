"""`python -m ubernet_jax.doctor`: reports on healthy and broken datasets, and on leaks."""

import json
import pathlib
import re
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

# ml_collections warns when it loads a config file.
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
def healthy(tmp_path_factory) -> pathlib.Path:
    """Prepared datasets: four synthetic scenes, and `folder/copy` with scene 1 as a small JPEG."""
    directory, raw = tmp_path_factory.mktemp('prepared'), tmp_path_factory.mktemp('raw')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, 'SEEDS', {'train': range(3), 'test': range(8, 9)})
        prepare.main(['synthetic', '--directory', str(directory)])
    scene = open_dataset('synthetic', 'train', directory)[1]
    for kind, suffix in (('images', 'jpg'), ('segmentation', 'png')):
        path = raw / 'copy' / 'test' / kind / f'holiday.{suffix}'
        path.parent.mkdir(parents=True)
        array = scene.image if kind == 'images' else np.full((161, 161), 255, np.uint8)
        Image.fromarray(array).resize((120, 120), Image.Resampling.NEAREST).save(path)
    prepare.main(['folder/copy', '--source', str(raw), '--directory', str(directory)])
    assert doctor.main(['--data-root', str(directory)]) == 0  # writes the fingerprints
    return directory


@pytest.fixture
def prepared(healthy, tmp_path) -> pathlib.Path:
    """A copy of the datasets that a test may damage."""
    return shutil.copytree(healthy, tmp_path / 'prepared')


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
    """Returns the exit code, and the JSON that `--json` prints."""
    capsys.readouterr()
    code = doctor.main(['--data-root', str(directory), '--json', *arguments])
    return code, json.loads(capsys.readouterr().out)


def about(report: dict, name: str) -> dict:
    """Returns the report on a dataset."""
    return next(dataset for dataset in report['datasets'] if dataset['name'] == name)


def broken(report: dict, name: str = 'synthetic') -> list[str]:
    """Returns the errors of a dataset, which must be broken."""
    dataset = about(report, name)
    assert not report['healthy'] and dataset['status'] == 'broken'
    return dataset['errors']


def test_healthy_datasets_are_described(healthy, capsys):
    code, report = diagnose(capsys, healthy)
    assert code == 0 and report['healthy'] and report['config'] is None
    assert report['directory'] == str(healthy)
    statuses = {dataset['name']: dataset['status'] for dataset in report['datasets']}
    assert list(statuses) == [*BUILDERS, 'folder/copy']
    assert {name for name in statuses if statuses[name] == 'ready'} == {'synthetic', 'folder/copy'}
    assert statuses['sbd'] == 'absent'

    synthetic_report = about(report, 'synthetic')
    assert (synthetic_report['errors'], synthetic_report['duplicates']) == ([], [])
    for name, note in zip(CLASS_LABELS, synthetic_report['notes'], strict=True):
        assert re.search(rf'^{name}:.*\b15\b.*aeroplane, bicycle', note)
    train = synthetic_report['splits']['train']
    assert train['images'] == 3 and train['official'] == 240
    assert train['height'] == train['width'] == [161, 161]
    scenes = [open_dataset('synthetic', 'train', healthy)[index] for index in range(3)]
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
    copy = about(report, 'folder/copy')
    assert copy['splits']['test']['labels'] == {
        'segmentation': {'images': 1, 'read': 1, 'void': 1, 'values': ''}
    }
    assert [note.partition(':')[0] for note in copy['notes']] == ['segmentation'] * 2
    assert 'test' in copy['notes'][1]  # all of the split is void


def test_the_machine_is_described(healthy, capsys):
    _, report = diagnose(capsys, healthy)
    environment = report['environment']
    assert environment['versions']['jax'] == jax.__version__
    assert environment['versions']['numpy'] == np.__version__
    assert set(environment['versions']) == {'python', 'ubernet_jax', 'jax', 'jaxlib', 'numpy'}
    assert len(environment['devices']) == len(jax.devices()) and environment['error'] == ''
    assert environment['cores'] >= 1 and environment['memory'] > 2**28


def test_the_text_report_has_tables(healthy, capsys):
    assert doctor.main(['--data-root', str(healthy)]) == 0
    lines = [' '.join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert 'synthetic ready train 3 240 161 161 0' in lines
    assert 'test 1 40 161 161 0' in lines
    assert 'folder/copy ready test 1 - 120 120 0' in lines
    assert 'folder/copy test segmentation 1 1 100.0% -' in lines
    assert any(line.startswith('absent: bsds500, voc2007') for line in lines)


def test_a_missing_shard_is_reported(prepared, capsys):
    (prepared / SHARD).unlink()
    code, report = diagnose(capsys, prepared)
    assert code == 1
    (error,) = broken(report)
    assert str(prepared / SHARD) in error
    doctor.main(['--data-root', str(prepared)])
    assert error in capsys.readouterr().out


def corrupt(path: pathlib.Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 255
    path.write_bytes(content)


def test_a_corrupted_record_is_reported_and_the_other_records_are_read(prepared, capsys):
    corrupt(prepared / SHARD, 2000)
    code, report = diagnose(capsys, prepared)
    assert code == 1
    (error,) = broken(report)
    assert re.search(r'synthetic:train.*record 0\b', error)
    assert about(report, 'synthetic')['splits']['train']['labels']['parts']['read'] == 2
    for path in prepared.rglob('fingerprints*'):
        path.unlink()
    code, report = diagnose(capsys, prepared)
    assert code == 1 and 'record 0' in broken(report)[-1]


def test_only_the_option_full_reads_all_pixels(prepared, capsys, monkeypatch):
    monkeypatch.setattr(dataset_report, 'SAMPLE_SIZE', 1)
    last = (prepared / SHARD).stat().st_size * 2 // 3
    corrupt(prepared / SHARD, last)
    code, report = diagnose(capsys, prepared)
    assert code == 0
    assert about(report, 'synthetic')['splits']['train']['labels']['parts']['read'] == 1
    code, report = diagnose(capsys, prepared, '--full')
    assert code == 1 and 'synthetic:train' in broken(report)[0]


def test_a_dataset_in_another_format_is_broken(prepared, capsys):
    (prepared / 'synthetic' / records.VERSION).rename(prepared / 'synthetic' / '1.0.0')
    code, report = diagnose(capsys, prepared)
    assert code == 1
    (error,) = broken(report)
    assert '1.0.0' in error and records.VERSION in error


def test_files_in_an_older_format_are_only_noted(prepared, capsys):
    (prepared / 'synthetic' / '1.0.0').mkdir()
    code, report = diagnose(capsys, prepared)
    assert code == 0 and about(report, 'synthetic')['status'] == 'ready'
    assert '1.0.0' in about(report, 'synthetic')['notes'][0]


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('metadata.json', None, 'metadata.json'),
        ('metadata.json', '{"train"', 'description'),
        ('dataset_info.json', None, 'dataset_info.json'),
        ('dataset_info.json', '{"name"', 'description'),
        ('dataset_info.json', json.dumps({'version': records.VERSION}), 'KeyError'),
    ],
)
def test_a_damaged_description_is_reported(name, content, message, prepared, capsys):
    path = prepared / 'synthetic' / records.VERSION / name
    path.write_text(content) if content else path.unlink()
    code, report = diagnose(capsys, prepared)
    assert code == 1
    error = broken(report)[0]
    assert message in error and f'delete {path.parents[1]}' in error
    assert about(report, 'folder/copy')['status'] == 'ready'


def test_different_numbers_of_ids_and_records_are_reported(prepared, capsys):
    path = prepared / 'synthetic' / records.VERSION / 'metadata.json'
    metadata = json.loads(path.read_text())
    metadata['train']['ids'].pop()
    path.write_text(json.dumps(metadata))
    _, report = diagnose(capsys, prepared)
    (error,) = broken(report)
    assert re.search('train.*3 records.*2 ids.*delete', error)


def test_a_size_that_differs_from_the_image_is_reported(prepared, capsys):
    path = prepared / 'synthetic' / records.VERSION / 'metadata.json'
    metadata = json.loads(path.read_text())
    metadata['test']['sizes'][0] = [161, 100]
    path.write_text(json.dumps(metadata))
    _, report = diagnose(capsys, prepared)
    image = open_dataset('synthetic', 'test', prepared).ids[0]
    message = rf'synthetic:test, image {image}:.*\(161, 161, 3\).*\(161, 100, 3\)'
    assert re.search(message, broken(report)[0])


def test_classes_that_differ_from_those_of_the_labels_are_reported(healthy, tmp_path, capsys):
    config = write_config(tmp_path, classes=('background', *VOC_CLASSES[:0:-1]))
    code, report = diagnose(capsys, healthy, '--config', config)
    (error,) = report['config']['errors']
    assert code == 1 and about(report, 'synthetic')['status'] == 'ready'
    assert re.search("task segmentation.*label 'segmentation' of synthetic:", error)
    assert '(21): background, tvmonitor, train' in error
    assert '(21): background, aeroplane, bicycle' in error


def test_a_class_out_of_range_is_reported(prepared, capsys):
    """Every label is checked against its kind, for example if the kinds were changed manually."""
    path = prepared / 'synthetic' / records.VERSION / 'metadata.json'
    metadata = json.loads(path.read_text())
    scenes = [open_dataset('synthetic', 'train', prepared)[index] for index in range(3)]
    highest = [int(scene.labels['segmentation'].max()) for scene in scenes]
    for split in metadata.values():
        classes = split['labels']['segmentation']['classes']
        split['labels']['segmentation']['classes'] = classes[: max(highest)]
    path.write_text(json.dumps(metadata))
    code, report = diagnose(capsys, prepared)
    assert code == 1
    image = scenes[highest.index(max(highest))].id
    message = (
        rf'synthetic:train, image {image}: segmentation.*\b{max(highest)}\b.*0 to '
        rf'{max(highest) - 1}\b'
    )
    assert re.search(message, broken(report)[0])


def test_implausible_values_are_reported(prepared, capsys):
    """`prepare` refuses such values, but older versions did not."""
    path = prepared / 'synthetic' / records.VERSION / 'metadata.json'
    metadata = json.loads(path.read_text())
    for split in metadata.values():
        survey = split['surveys']['saliency']['histogram']
        split['surveys']['saliency']['histogram'] = [survey[0], survey[255], *[0] * 254]
    path.write_text(json.dumps(metadata))
    code, report = diagnose(capsys, prepared)
    (error,) = broken(report)
    assert code == 1 and re.search(r'^saliency:.*\b1\b', error)


def test_a_healthy_configuration(healthy, tmp_path, capsys):
    config = write_config(tmp_path)
    code, report = diagnose(capsys, healthy, '--config', config)
    assert code == 0
    assert report['config'] == {'name': 'tiny', 'errors': [], 'leaks': [], 'policy': 'refuse'}
    doctor.main(['--data-root', str(healthy), '--config', config])
    assert 'configuration tiny' in capsys.readouterr().out


@pytest.mark.parametrize(('leaks', 'code'), [('REFUSE', 1), ('ALLOW', 1), ('LEAVE_OUT', 0)])
def test_a_leak_under_another_id_is_found_by_fingerprint(leaks, code, healthy, tmp_path, capsys):
    config = write_config(tmp_path, test=('folder/copy', 'test'), leaks=leaks)
    exit_code, report = diagnose(capsys, healthy, '--config', config)
    assert exit_code == code
    scene = open_dataset('synthetic', 'train', healthy).ids[1]
    assert report['config']['leaks'] == [
        {
            'first': {'dataset': 'synthetic', 'split': 'train', 'id': scene},
            'second': {'dataset': 'folder/copy', 'split': 'test', 'id': 'holiday'},
            'evidence': 'fingerprint',
        }
    ]
    doctor.main(['--data-root', str(healthy), '--config', config])
    message = rf'synthetic:train.*folder/copy:test.*{scene}.*holiday'
    assert re.search(message, capsys.readouterr().out)


def test_a_leak_is_found_by_id(healthy, tmp_path, capsys):
    config = write_config(tmp_path, test=('synthetic', 'train'))
    code, report = diagnose(capsys, healthy, '--config', config)
    assert code == 1
    assert [leak['evidence'] for leak in report['config']['leaks']] == ['id'] * 3


def test_a_dataset_or_split_that_is_not_prepared_is_reported(healthy, tmp_path, capsys):
    config = write_config(tmp_path, train=('sbd', 'train'), test=('synthetic', 'dev'))
    code, report = diagnose(capsys, healthy, '--config', config)
    dataset_error, split_error = report['config']['errors']
    assert code == 1 and re.search(r'^data\.train\[0\]:.*\bsbd\b', dataset_error)
    assert re.search(r"^evaluation\.benchmarks\[0\]:.*synthetic.*'dev'", split_error)


def test_a_task_without_training_labels_is_reported(healthy, tmp_path, capsys):
    config = pathlib.Path(write_config(tmp_path, train=('folder/copy', 'test')))
    text = config.read_text().replace(
        "'segmentation': c.Segmentation(classes=())", "'normals': c.Normals()"
    )
    config.write_text(text)
    code, report = diagnose(capsys, healthy, '--config', str(config))
    (error,) = report['config']['errors']
    assert code == 1 and 'normals' in error and 'data.train' in error


def test_images_that_occur_twice_in_a_dataset_are_reported(tmp_path, capsys):
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
    assert code == 0  # they are an error only if a configuration trains and tests on them
    assert {(pair['first']['id'], pair['second']['id']) for pair in pairs} == {
        ('a', 'c'), ('d', 'a'), ('e', 'b'),
    }  # fmt: skip
    doctor.main(['--data-root', str(directory)])
    output = capsys.readouterr().out
    assert 'folder/mine train: a = c\n' in output
    assert 'folder/mine test and train: d = a, e = b\n' in output


def test_a_machine_without_a_device(healthy, capsys, monkeypatch):
    def refuse() -> None:
        raise RuntimeError('no driver')

    monkeypatch.setattr(jax, 'devices', refuse)
    code, report = diagnose(capsys, healthy)
    assert code == 1 and 'no driver' in report['environment']['error']


def test_missing_folders_and_config_files_are_reported(tmp_path):
    with pytest.raises(UserError, match=r'none\b.*--data-root'):
        doctor.main(['--data-root', str(tmp_path / 'none')])
    with pytest.raises(UserError, match=str(tmp_path)):
        doctor.main(['--data-root', str(tmp_path)])
    with pytest.raises(UserError, match=r'none\.py'):
        doctor.main(['--config', str(tmp_path / 'none.py')])


def test_the_command_line(prepared):
    (prepared / SHARD).unlink()
    words = ['-m', 'ubernet_jax.doctor', '--json', '--data-root', str(prepared)]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert not json.loads(done.stdout)['healthy']
