"""The workload of the benchmarks of memory and speed, and the order of the timed cases."""

import numpy as np
import pytest

from benchmarks.memory import Case, batch_bytes, parse_sizes
from benchmarks.speed import Case as TimedCase
from benchmarks.speed import run_rounds
from benchmarks.workload import BY_MEMORY, DENSE, SEVEN, count_tasks, make_batch, make_config
from ubernet_jax.config import PAPER
from ubernet_jax.config.validation import validate


def test_the_seven_tasks_come_first_and_are_then_repeated():
    names = count_tasks(16)
    assert len(set(names)) == 16 and set(names[:7]) == set(BY_MEMORY) == set(SEVEN) == set(PAPER)
    assert set(DENSE) == set(SEVEN) - {'detection'}
    assert count_tasks(1) == ['semantic_boundaries']
    assert names[7] == 'semantic_boundaries__2' and names[14] == 'semantic_boundaries__3'
    config = make_config(names)
    validate(config)
    assert list(config.tasks) == names
    assert config.tasks['detection__2'] == PAPER['detection']()


def test_the_batch_is_labelled_for_the_given_tasks():
    tasks = make_config(count_tasks(8)).tasks
    batch = make_batch(tasks, (65, 97), ['normals', 'semantic_boundaries__2'], images=2)
    assert batch.image.shape == (2, 65, 97, 3) and batch.valid.all()
    assert set(batch.targets) == set(batch.labelled) == {'normals', 'semantic_boundaries__2'}
    assert all(flags.all() for flags in batch.labelled.values())
    assert set(np.unique(batch.targets['semantic_boundaries__2'])) - {0, 255}


@pytest.mark.parametrize('images', [1, 3])
def test_the_size_of_a_batch_on_the_host_does_not_grow_with_the_tasks(images):
    sizes = {
        tasks: batch_bytes(Case(method='ours', tasks=tasks, size=(65, 97), scales=1, images=images))
        for tasks in (1, 7, 16)
    }
    # Three channels, a class, whether each image is labelled, whether its label was taught, and
    # the sizes and scales of images.
    assert set(sizes.values()) == {images * (65 * 97 * (3 + 1) + 1 + 1 + 2 * 4 + 2 * 4)}


def test_every_case_runs_once_per_round_and_the_first_run_is_not_timed():
    order = []
    cases = [TimedCase(name=name, step=lambda name=name: order.append(name)) for name in 'ab']
    run_rounds(cases, rounds=3)
    assert ''.join(order) == 'abababab'
    assert all(len(case.seconds) == 3 for case in cases)


def test_sizes_are_squares_or_height_by_width():
    assert parse_sizes('321,641x865') == [(321, 321), (641, 865)]
