"""The datasets of a run: opened, with classes and labels for every task."""

import pytest

from helpers import tiny_config
from ubernet_jax import config as c
from ubernet_jax.errors import UserError
from ubernet_jax.training.training_sets import open_training_sets


@pytest.fixture
def config(prepared) -> c.Config:
    config = tiny_config.get_config()
    config.data.directory = str(prepared)
    return config


def test_a_training_set_maps_tasks_to_the_labels_of_its_dataset(config):
    config.tasks = {'objects': c.Segmentation(), 'normals': c.Normals()}
    (setting,) = config.data.train
    setting.labels, setting.repeat = {'objects': 'segmentation'}, 3
    _, (training_set,) = open_training_sets(config)
    assert training_set.dataset.source == 'folder/tiny:train' and training_set.repeat == 3
    assert dict(training_set.labels) == {'objects': 'segmentation', 'normals': 'normals'}
    setting.tasks = ('objects',)
    config.tasks.pop('normals')
    _, (training_set,) = open_training_sets(config)
    assert dict(training_set.labels) == {'objects': 'segmentation'}


def test_a_task_without_a_labelled_image_is_refused(config):
    config.tasks['depth'] = c.Depth()
    with pytest.raises(UserError, match=r'tasks\.depth.*folder/tiny:train: normals, segmentation'):
        open_training_sets(config)


def test_opening_takes_the_classes_of_the_data(config):
    wanted = config.tasks['segmentation'].classes
    config.tasks['segmentation'].classes = ()
    opened, sets = open_training_sets(config)
    assert opened.tasks['segmentation'].classes == wanted
    (training_set,) = sets
    assert dict(training_set.labels) == {'normals': 'normals', 'segmentation': 'segmentation'}


def test_classes_that_differ_from_those_of_the_data_are_refused(config):
    config.tasks['segmentation'].classes = ('background', 'first')
    with pytest.raises(UserError, match=r'segmentation(.|\n)*background, first'):
        open_training_sets(config)


def test_a_benchmark_without_its_label_is_refused(config):
    config.evaluation.benchmarks[0].labels = {'normals': 'missing'}
    with pytest.raises(UserError, match='missing'):
        open_training_sets(config)
