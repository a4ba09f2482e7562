"""Reports on prepared datasets: what is healthy, what is broken."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from helpers.diagnosis import (
    CLASS_LABELS,
    SHARD,
    about,
    broken,
    corrupt,
    diagnose,
    write_config,
)
from ubernet_jax import prepare
from ubernet_jax.datasets import open_dataset
from ubernet_jax.datasets.builders.registry import BUILDERS
from ubernet_jax.datasets.storage import records
from ubernet_jax.doctor import command as doctor
from ubernet_jax.doctor import dataset_report
from ubernet_jax.labels.standard import VOC_CLASSES

# ml_collections warns when it loads a config file.
pytestmark = pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')


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


def test_a_missing_shard_is_reported(prepared, capsys):
    (prepared / SHARD).unlink()
    code, report = diagnose(capsys, prepared)
    assert code == 1
    (error,) = broken(report)
    assert str(prepared / SHARD) in error
    doctor.main(['--data-root', str(prepared)])
    assert error in capsys.readouterr().out


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
