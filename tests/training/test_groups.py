"""Parameter groups and the settings by which they update."""

import pytest

from ubernet_jax import config as c
from ubernet_jax.network import SHARED
from ubernet_jax.training.groups import batch_size, decay_updates, groups_of

TASKS = {'normals': c.Normals(batch_size=3), 'road': c.SoftMask(batch_size=5)}


def test_the_trunk_and_every_task_are_groups():
    optim = c.OptimConfig()
    assert groups_of(optim, TASKS) == {SHARED: optim.shared, **TASKS}


@pytest.mark.parametrize(
    ('algorithm', 'sizes'),
    [(c.Algorithm.ASYNCHRONOUS, [7, 3, 5]), (c.Algorithm.SYNCHRONOUS, [7, 7, 7])],
)
def test_synchronous_groups_have_the_batch_size_of_the_trunk(algorithm, sizes):
    optim = c.OptimConfig(algorithm=algorithm, shared=c.GroupConfig(batch_size=7))
    groups = groups_of(optim, TASKS)
    assert [batch_size(optim, group) for group in groups.values()] == sizes


@pytest.mark.parametrize(
    ('shares', 'updates', 'wanted'),
    [((), 10, []), ((0.25, 0.75), 60, [15, 45]), ((0.1,), 2, [1]), ((0.5,), 0, [1])],
)
def test_learning_rates_fall_after_shares_of_the_updates(shares, updates, wanted):
    assert decay_updates(c.GroupConfig(decay_at=shares), updates) == wanted
