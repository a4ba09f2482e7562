"""What the benchmarks of memory and speed measure, and in which order."""

import numpy as np

from benchmarks.memory import parse_sizes
from benchmarks.speed import Case, run_rounds
from benchmarks.workload import make_batch, task_rows
from ubernet_jax.tasks import TASKS


def test_the_first_seven_tasks_are_the_seven_and_then_they_come_again():
    rows = task_rows(16)
    assert len(rows) == 16 and set(list(rows)[:7]) == set(TASKS)
    assert list(task_rows(1)) == ['semantic_boundaries']
    assert list(rows)[7] == 'semantic_boundaries 2' and list(rows)[14] == 'semantic_boundaries 3'
    assert rows['detection 2'].channels == TASKS['detection'].channels


def test_the_batch_is_labelled_as_asked_for():
    rows = task_rows(8)
    batch = make_batch(rows, (65, 97), ['normals', 'semantic_boundaries 2'], images=2)
    assert batch.image.shape == (2, 65, 97, 3) and batch.valid.all()
    labelled = {name for name, flags in batch.labelled.items() if flags.all()}
    assert labelled == {'normals', 'semantic_boundaries 2'}
    assert set(np.unique(batch.targets['semantic_boundaries 2'])) - {0, 255}


def test_every_case_runs_once_a_round_and_the_first_does_not_count():
    order = []
    cases = [Case(name=name, step=lambda name=name: order.append(name)) for name in 'ab']
    run_rounds(cases, rounds=3)
    assert ''.join(order) == 'abababab'
    assert all(len(case.seconds) == 3 for case in cases)


def test_sizes_are_squares_or_height_by_width():
    assert parse_sizes('321,641x865') == [(321, 321), (641, 865)]
