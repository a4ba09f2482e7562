"""A taught sample of weight w contributes w times the loss and w to the counter of its task."""

import dataclasses
import functools

import chex
import jax
import numpy as np
import pytest

from helpers.networks import make_batch, make_state, make_step
from helpers.tiny_network import DETECTOR
from ubernet_jax import config as c
from ubernet_jax.batch import Batch
from ubernet_jax.network import SHARED, make_network
from ubernet_jax.training.settings import make_step_settings
from ubernet_jax.training.task_gradients import compute_gradients

pytestmark = pytest.mark.slow

WEIGHT = 0.25
TASKS = {
    'detection': c.PAPER['detection'](detector=DETECTOR),
    'normals': c.Normals(weight=2.0),
    'saliency': c.SoftMask(),
}


def configure(weight: float) -> c.Config:
    tasks = {n: dataclasses.replace(task, taught_weight=weight) for n, task in TASKS.items()}
    model = c.ModelConfig(width=1 / 32, scales=1, dropout=0.0)
    return c.Config(steps=1, tasks=tasks, model=model)


def batch_of(labelled: list[list[bool]], taught: list[list[bool]]) -> Batch:
    """Two images with labels of the three tasks, some of them taught."""
    columns = np.array(taught).T
    batch = make_batch(TASKS, np.array(labelled))
    return batch.replace(taught=dict(zip(TASKS, columns, strict=True)))


@pytest.fixture(scope='module')
def gradients():
    """(weight, batch) -> gradients, as arrays of NumPy."""
    state = make_state(configure(1.0))

    @functools.cache
    def compiled(weight: float):
        config = configure(weight)
        settings = make_step_settings(config, make_network(config))
        return jax.jit(functools.partial(compute_gradients, settings))

    arguments = state.params, state.batch_stats
    return lambda weight, batch: jax.device_get(compiled(weight)(*arguments, batch, state.rng))


REAL = [[False] * 3, [True] * 3]  # the second image has all labels, the first has none
ALL = [[True] * 3, [True] * 3]
NONE = [[False] * 3] * 2
FIRST = [[True] * 3, [False] * 3]


def test_a_taught_label_contributes_its_weight_times_its_gradient(gradients):
    real, both = gradients(1.0, batch_of(REAL, NONE)), gradients(1.0, batch_of(ALL, NONE))
    weighted = gradients(WEIGHT, batch_of(ALL, FIRST))

    def mix(real: np.ndarray, both: np.ndarray) -> np.ndarray:
        return real + WEIGHT * (both - real)

    for group, wanted in jax.tree.map(mix, real.sums, both.sums).items():
        largest = max(np.abs(leaf).max() for leaf in jax.tree.leaves(wanted))
        chex.assert_trees_all_close(
            weighted.sums[group], wanted, rtol=1e-3, atol=1e-5 * float(largest)
        )
    for name in TASKS:
        assert [int(count) for count in weighted.labelled[name]] == [1, 1]
        loss = weighted.losses[name]
        np.testing.assert_allclose(loss.real, real.losses[name].real, rtol=1e-5)
        np.testing.assert_allclose(sum(loss), both.losses[name].real, rtol=1e-5)


def test_a_taught_label_of_weight_0_equals_its_absence(gradients):
    absent, weightless = gradients(1.0, batch_of(REAL, NONE)), gradients(0.0, batch_of(ALL, FIRST))
    for group, wanted in absent.sums.items():
        largest = max(np.abs(leaf).max() for leaf in jax.tree.leaves(wanted))
        chex.assert_trees_all_close(
            weightless.sums[group], wanted, rtol=1e-4, atol=1e-6 * float(largest)
        )


def test_a_taught_label_of_weight_1_equals_a_real_label(gradients):
    real, taught = gradients(1.0, batch_of(ALL, NONE)), gradients(1.0, batch_of(ALL, ALL))
    jax.tree.map(np.testing.assert_array_equal, taught.sums, real.sums)


def test_a_counter_counts_a_taught_label_with_its_weight():
    config = configure(WEIGHT)
    state, metrics = jax.jit(make_step(config))(make_state(config), batch_of(ALL, FIRST))
    assert {group: float(state.groups[group].count) for group in state.groups} == {
        SHARED: 2, 'detection': 1.25, 'normals': 1.25, 'saliency': 1.25,
    }  # fmt: skip
    for name in TASKS:
        assert metrics.labelled[name] == metrics.labelled[f'{name} (taught)'] == 1
        assert metrics.losses[name] > 0 and metrics.losses[f'{name} (taught)'] > 0
