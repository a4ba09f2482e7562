"""A new configuration: which images are trained and tested on, and how often they are shown."""

import pytest

from helpers.half_labelled import CPU, prepare_sets, write_copy
from ubernet_jax import config as c
from ubernet_jax.configure import make_plan


@pytest.fixture(scope='module')
def plan(half_labelled):
    names = ['folder/garden', 'folder/street', 'folder/garden']
    return make_plan(names, half_labelled, 'my', CPU)


def test_every_dataset_is_used_once_for_its_tasks(plan, half_labelled):
    garden, street = plan.config.data.train
    assert garden == c.DatasetConfig(
        name='folder/garden', tasks=('plants_garden',), labels={'plants_garden': 'plants'}
    )
    assert street == c.DatasetConfig(
        name='folder/street',
        repeat=3,  # one image, and three of the garden
        tasks=('plants_street', 'shade'),
        labels={'plants_street': 'plants'},
    )
    assert plan.config.data.directory == str(half_labelled)


def test_the_test_split_is_scored_rather_than_val(plan):
    (benchmark,) = plan.config.evaluation.benchmarks
    assert (benchmark.name, benchmark.split) == ('folder/garden', 'test')
    assert benchmark.tasks == ('plants_garden',)


def test_a_configuration_without_benchmarks_says_so(half_labelled):
    plan = make_plan(['folder/street'], half_labelled, 'my', CPU)
    assert plan.config.evaluation.benchmarks == []
    assert 'test or val' in plan.comments['evaluation.benchmarks']
    assert plan.config.data.leaks is c.Leaks.REFUSE and 'data.leaks' not in plan.comments


def test_training_images_that_are_tested_on_are_left_out(tmp_path):
    prepare_sets(tmp_path)
    write_copy(tmp_path)
    plan = make_plan(['folder/garden', 'folder/copy'], tmp_path / 'prepared', 'my', CPU)
    assert plan.config.data.leaks is c.Leaks.LEAVE_OUT
    assert 'left out' in plan.comments['data.leaks']
