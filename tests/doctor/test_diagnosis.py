"""The diagnosis of a configuration: leaks, datasets that are missing, tasks without labels."""

import pathlib
import re

import pytest

from helpers.diagnosis import (
    diagnose,
    write_config,
)
from ubernet_jax.datasets import open_dataset
from ubernet_jax.doctor import command as doctor

# ml_collections warns when it loads a config file.
pytestmark = pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')


def test_a_healthy_configuration(healthy, tmp_path, capsys):
    config = write_config(tmp_path)
    code, report = diagnose(capsys, healthy, '--config', config)
    assert code == 0
    schedule = report['config'].pop('schedule')
    assert report['config'] == {'name': 'tiny', 'errors': [], 'leaks': [], 'policy': 'refuse'}
    assert (schedule['steps'], schedule['epoch']) == (1, 3)
    assert schedule['samples'] == {'shared': 1, 'segmentation': 1}
    (dataset,) = schedule['datasets']
    assert dataset['source'] == 'synthetic:train' and dataset['images'] == 3
    doctor.main(['--data-root', str(healthy), '--config', config])
    output = capsys.readouterr().out
    assert 'configuration tiny' in output
    assert re.search(r'synthetic:train +3 images x +1 = +3 samples; .*: segmentation 3', output)


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


def test_images_that_are_left_out_are_not_in_the_plan(healthy, tmp_path, capsys):
    config = write_config(tmp_path, test=('folder/copy', 'test'), leaks='LEAVE_OUT')
    _, report = diagnose(capsys, healthy, '--config', config)
    (dataset,) = report['config']['schedule']['datasets']
    assert dataset['images'] == 2 and dataset['labelled'] == {'segmentation': 2}


def test_weights_that_the_run_must_start_from_are_reported(healthy, tmp_path, capsys):
    config = pathlib.Path(write_config(tmp_path))
    text = config.read_text().replace(
        'steps=1,', 'steps=1, model=c.ModelConfig(initialisation=c.Initialisation.FILE),'
    )
    config.write_text(text)
    code, report = diagnose(capsys, healthy, '--config', str(config))
    (error,) = report['config']['errors']
    assert code == 1 and error.startswith('model.weights ')
    absent = str(tmp_path / 'absent.safetensors')
    code, report = diagnose(
        capsys, healthy, '--config', str(config), f'--config.model.weights={absent}'
    )
    (error,) = report['config']['errors']
    assert code == 1 and error.startswith(absent)
    assert report['config']['schedule']['steps'] == 1


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
