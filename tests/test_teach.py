"""`ubernet teach`: predicts labels that are missing, and training on them."""

import functools
import json
import pathlib
import shutil

import numpy as np
import pytest

from helpers import tiny_config
from helpers.shared import make_once
from helpers.untrained_runs import make_config, save_untrained
from ubernet_jax import UberNet, teach
from ubernet_jax import config as c
from ubernet_jax.datasets import open_dataset
from ubernet_jax.datasets.storage import shard_writer
from ubernet_jax.datasets.taught_labels import open_taught
from ubernet_jax.errors import UserError
from ubernet_jax.inference.predictor import Predictor
from ubernet_jax.locks import lock_file
from ubernet_jax.train import train
from ubernet_jax.training.training_sets import open_training_sets

pytestmark = pytest.mark.slow

SEGMENTATION = tiny_config.get_config().tasks['segmentation']


@pytest.fixture(scope='module')
def teacher(prepared, tmp_path_factory) -> pathlib.Path:
    """The workdir of an untrained network, which was to be trained on `folder/tiny`."""
    make = functools.partial(save_untrained, prepared)
    return make_once(tmp_path_factory, 'tiny_teacher', make)


@pytest.fixture
def directory(prepared, tmp_path) -> pathlib.Path:
    """Prepared datasets of the test."""
    return pathlib.Path(shutil.copytree(prepared, tmp_path / 'prepared'))


def run(teacher: pathlib.Path, directory: pathlib.Path, *options: str) -> None:
    teach.main(
        ['--teacher', str(teacher), '--task', 'segmentation', '--datasets', 'folder/tiny']
        + ['--data-directory', str(directory), *options]
    )


def open_labels(directory: pathlib.Path):
    dataset = open_dataset('folder/tiny', 'train', directory)
    return dataset, open_taught(dataset, 'segmentation', SEGMENTATION.taught_label, 'segmentation')


@pytest.fixture(scope='module')
def taught(teacher, prepared, tmp_path_factory) -> pathlib.Path:
    """Prepared datasets with taught labels; tests must not change them."""

    def make(folder: pathlib.Path) -> None:
        shutil.copytree(prepared, folder / 'prepared')
        run(teacher, folder / 'prepared')

    return make_once(tmp_path_factory, 'taught', make) / 'prepared'


def test_only_the_image_without_a_real_label_gets_the_prediction_of_the_teacher(taught, teacher):
    dataset, labels = open_labels(taught)
    assert labels.rows.tolist() == [-1, 0, -1, -1]
    label, image = labels[1], dataset[1].image
    assert label.classes.shape == label.scores.shape == image.shape[:2]
    trained = teach.open_checkpoint(teacher)
    network = teach.make_network(trained.config)
    predictor = Predictor(network, trained.config.input_size, trained.params, trained.batch_stats)
    predicted = predictor(image, ['segmentation'])['segmentation']
    np.testing.assert_array_equal(label.classes, predicted)
    assert open_dataset('folder/tiny', 'train', taught).labelled['segmentation'].sum() == 3


def test_the_manifest_names_the_teacher_and_what_it_was_trained_on(taught, teacher):
    folder = taught / 'folder/tiny/taught/train/segmentation'
    manifest = json.loads((folder / 'manifest.json').read_text())
    assert manifest['ids'] == ['1'] and len(manifest['digest']) == 16
    assert manifest['teacher'].items() >= {'step': 0, 'checkpoint': str(teacher)}.items()
    assert len(manifest['teacher']['network']) == 16 and manifest['teacher']['scores'] == []
    dataset, labels = open_labels(taught)
    (images,) = labels.trained_on
    assert (images.name, images.split, list(images.ids)) == ('folder/tiny', 'train', list('0123'))
    np.testing.assert_array_equal(images.fingerprints, dataset.fingerprints)
    assert (folder / 'contact_sheet.png').stat().st_size > 0
    assert not list(folder.parent.glob('.unfinished*')) and not list(folder.glob('*.json.json'))


def test_the_same_command_again_changes_nothing_and_another_teacher_is_refused(
    taught, teacher, exported, capsys, tmp_path
):
    folder = taught / 'folder/tiny/taught/train/segmentation'
    before = {path: path.read_bytes() for path in folder.iterdir()}
    run(teacher, taught)
    assert 'already' in capsys.readouterr().out
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    save_untrained(taught, tmp_path / 'other', seed=7)
    with pytest.raises(UserError, match=rf'{folder} has labels of another teacher'):
        run(tmp_path / 'other', taught)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_labels_may_be_averages_over_views_and_other_views_are_refused(taught, teacher, directory):
    run(teacher, directory, '--flip', '--scales', '1', '1.5')
    dataset, labels = open_labels(directory)
    assert labels.teacher['views'] == {'flip': True, 'scales': [1.0, 1.5]}
    once = open_labels(taught)[1][1].scores
    assert np.abs(labels[1].scores - once).max() > 1e-3
    averaged = UberNet.load(teacher, flip=True, scales=[1, 1.5]).predict(
        dataset[1].image, tasks=['segmentation']
    )['segmentation']
    np.testing.assert_array_equal(labels[1].classes, averaged)
    with pytest.raises(UserError, match=r"other views of the images, .*'flip': True.*delete"):
        run(teacher, directory)


def set_labelled(directory: pathlib.Path, flag: str) -> None:
    """Gives all images of the dataset a label of the segmentation ('1'), or none ('0')."""
    for path in (directory / 'folder/tiny').glob('*/metadata.json'):
        metadata = json.loads(path.read_text())
        for split in metadata.values():
            split['labelled']['segmentation'] = flag * len(split['ids'])
        path.write_text(json.dumps(metadata))


def test_there_is_nothing_to_teach_if_every_image_has_a_real_label(teacher, directory, capsys):
    set_labelled(directory, '1')
    run(teacher, directory)
    output = capsys.readouterr().out
    assert 'every image of folder/tiny:train has a label segmentation' in output
    assert 'to train on them' not in output
    with pytest.raises(
        UserError, match="every image of folder/tiny:train .* remove it from 'taught'"
    ):
        open_training_sets(student(directory))


def test_an_interrupted_command_continues_where_it_was(teacher, directory, taught, monkeypatch):
    """The split has a real label for none of the images; a shard has a single image."""
    set_labelled(directory, '0')
    monkeypatch.setattr('ubernet_jax.datasets.taught_writer.SHARD_IMAGES', 1)
    predict, predicted = Predictor.teach, []

    def stop_at_third(self, image, task):
        if len(predicted) == 2:
            raise KeyboardInterrupt
        predicted.append(task)
        return predict(self, image, task)

    monkeypatch.setattr(Predictor, 'teach', stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        run(teacher, directory)
    assert not (directory / 'folder/tiny/taught/train/segmentation').exists()
    monkeypatch.setattr(Predictor, 'teach', lambda *args: predicted.append(0) or predict(*args))
    run(teacher, directory)
    assert predicted == ['segmentation'] * 2 + [0] * 2
    _, labels = open_labels(directory)
    assert labels.rows.tolist() == [0, 1, 2, 3]
    _, once = open_labels(taught)
    np.testing.assert_array_equal(labels[1].classes, once[1].classes)


def test_two_tasks_of_a_split_can_be_taught_at_the_same_time_but_not_one_twice(teacher, directory):
    folder = directory / 'folder/tiny/taught/train'
    with (
        lock_file(folder / 'segmentation', 'wait'),
        pytest.raises(UserError, match=f'{folder}/segmentation is in use .*wait'),
    ):
        run(teacher, directory)
    with lock_file(folder / 'saliency', 'wait'):
        run(teacher, directory)
    assert [path.name for path in folder.iterdir()] == ['segmentation']


def test_test_images_are_not_labelled(teacher, directory):
    with pytest.raises(UserError, match='folder/tiny:test are test images'):
        run(teacher, directory, '--split', 'test')
    assert not (directory / 'folder/tiny/taught').exists()


def test_unknown_tasks_and_datasets_are_refused(teacher, directory):
    with pytest.raises(UserError, match='unknown task parts'):
        run(teacher, directory, '--task', 'parts')
    with pytest.raises(UserError, match='folder/other'):
        run(teacher, directory, '--datasets', 'folder/other')


def test_other_classes_than_those_of_the_dataset_are_refused_before_work(
    teacher, directory, monkeypatch
):
    for path in (directory / 'folder/tiny').glob('*/metadata.json'):
        text = path.read_text().replace('"aeroplane"', '"airplane"')
        path.write_text(text)
    monkeypatch.setattr(shard_writer, 'build_shards', None)
    with pytest.raises(UserError, match=r'segmentation(.|\n)*airplane'):
        run(teacher, directory)


# Training on the labels.


def student(directory: pathlib.Path, **settings: object) -> c.Config:
    config = make_config(directory)
    (dataset,) = config.data.train
    dataset.taught = ('segmentation',)
    for name, value in settings.items():
        setattr(config.tasks['segmentation'], name, value)
    return config


def test_training_counts_logs_and_reports_taught_labels_apart(taught, tmp_path, capsys):
    config = student(taught, taught_weight=0.5)
    config.pictures_every = config.evaluate_every = 100
    train(config, tmp_path)
    output = capsys.readouterr().out
    assert 'labelled: normals 3, segmentation 3, segmentation (taught) 1' in output
    lines = [json.loads(line) for line in (tmp_path / 'log.jsonl').read_text().splitlines()]
    assert any('loss/segmentation (taught)' in line for line in lines)
    # Of 6 images, 1 or 2 have the taught label.
    data = json.loads((tmp_path / 'checkpoints/6/data/metadata').read_text())
    _, labels = open_labels(taught)
    assert data['train'][0]['taught'] == {'segmentation': labels.digest}


def test_taught_labels_of_weight_0_are_not_read(taught):
    _, (part,) = open_training_sets(student(taught, taught_weight=0.0))
    assert not part.taught and part.read(1).taught == frozenset()
    _, (part,) = open_training_sets(student(taught))
    assert part.read(1).taught == {'segmentation'} and part.read(0).taught == frozenset()
    assert part.count_taught('segmentation', np.arange(4)) == 1


def test_a_task_may_have_taught_labels_only(taught):
    config = student(taught)
    (dataset,) = config.data.train
    dataset.tasks = ('normals',)
    config.tasks['segmentation'].classes = ()
    config, (part,) = open_training_sets(config)
    assert set(part.labels) == {'normals'} and set(part.taught) == {'segmentation'}
    assert config.tasks['segmentation'].classes == SEGMENTATION.classes


def test_missing_labels_and_other_classes_are_refused(taught, directory):
    with pytest.raises(UserError, match=r'ubernet teach .*--task segmentation'):
        open_training_sets(student(directory))
    config = student(taught)
    config.data.train[0].tasks = ('normals',)
    config.evaluation.benchmarks = []
    config.tasks['segmentation'].classes = ('background', 'other')
    with pytest.raises(
        UserError, match=r'do not fit the task segmentation(.|\n)*background, other'
    ):
        open_training_sets(config)


def test_a_teacher_that_was_trained_on_a_test_image_is_refused(taught):
    """The student is trained on the test split and tested on the split of the teacher."""
    config = student(taught)
    config.evaluation.benchmarks = [c.DatasetConfig(name='folder/tiny', split='train')]
    config.data.leaks = c.Leaks.LEAVE_OUT
    with pytest.raises(UserError, match=r'tiny_teacher(.|\n)*4 of folder/tiny:train'):
        open_training_sets(config)
    config.data.leaks = c.Leaks.ALLOW
    open_training_sets(config)


def test_labels_of_a_dataset_that_was_prepared_again_are_refused(taught, directory, teacher):
    shutil.copytree(taught / 'folder/tiny/taught', directory / 'folder/tiny/taught')
    manifest = directory / 'folder/tiny/taught/train/segmentation/manifest.json'
    plain = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(plain | {'sizes': [[1, 2]]}))
    with pytest.raises(UserError, match='sizes of 1 differ'):
        open_training_sets(student(directory))
    manifest.write_text(json.dumps({'kind': {}}))
    with pytest.raises(UserError, match=f'{manifest} is not the manifest'):
        open_training_sets(student(directory))
    with pytest.raises(UserError, match=f'{manifest} is not the manifest'):
        run(teacher, directory)
