"""A taught sample of weight w contributes w times the loss and w to the counter of its task."""

import dataclasses
import functools
from collections.abc import Callable, Mapping

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

WEIGHTS = {'detection': 0.25, 'normals': 0.0, 'saliency': 0.5}
TASKS = {
    'detection': c.PAPER['detection'](detector=DETECTOR),
    'normals': c.Normals(weight=2.0),
    'saliency': c.SoftMask(),
}

ONES = dict.fromkeys(TASKS, 1.0)


def configure(weights: Mapping[str, float]) -> c.Config:
    tasks = {n: dataclasses.replace(t, taught_weight=weights[n]) for n, t in TASKS.items()}
    model = c.ModelConfig(width=1 / 32, scales=1, dropout=0.0)
    return c.Config(steps=1, tasks=tasks, model=model)


def batch_of(labelled: list[list[bool]], taught: list[list[bool]]) -> Batch:
    """Two images with labels of the three tasks, some of them taught."""
    columns = np.array(taught).T
    batch = make_batch(TASKS, np.array(labelled))
    return batch.replace(taught=dict(zip(TASKS, columns, strict=True)))


@pytest.fixture(scope='module')
def gradients():
    """Functions of a micro-batch: gradients with `ONES` and with `WEIGHTS`, as NumPy arrays."""
    state = make_state(configure(ONES))

    def bind(weights: Mapping[str, float]) -> Callable:
        config = configure(weights)
        settings = make_step_settings(config, make_network(config))
        jitted = jax.jit(functools.partial(compute_gradients, settings))
        arguments = state.params, state.batch_stats
        return lambda batch: jax.device_get(jitted(*arguments, batch, state.rng))

    return bind(ONES), bind(WEIGHTS)


REAL = [[False] * 3, [True] * 3]  # the second image has all labels, the first has none
ALL = [[True] * 3, [True] * 3]
NONE = [[False] * 3] * 2
FIRST = [[True] * 3, [False] * 3]


def test_a_taught_label_contributes_its_weight_times_its_gradient(gradients):
    equal, weighted = gradients
    real, actual = equal(batch_of(REAL, NONE)), weighted(batch_of(ALL, FIRST))
    with_label = {  # of a single task in the first image
        name: equal(batch_of([[name == other for other in TASKS], [True] * 3], NONE))
        for name in TASKS
    }

    def mix(real: np.ndarray, *with_label: np.ndarray) -> np.ndarray:
        pairs = zip(WEIGHTS.values(), with_label, strict=True)
        return real + sum(weight * (both - real) for weight, both in pairs)

    sums = [each.sums for each in with_label.values()]
    for group, wanted in jax.tree.map(mix, real.sums, *sums).items():
        largest = max(np.abs(leaf).max() for leaf in jax.tree.leaves(wanted))
        chex.assert_trees_all_close(
            actual.sums[group], wanted, rtol=1e-3, atol=1e-5 * float(largest)
        )
    for name in TASKS:
        assert [int(count) for count in actual.labelled[name]] == [1, 1]
        loss = actual.losses[name]
        np.testing.assert_allclose(loss.real, real.losses[name].real, rtol=1e-5)
        np.testing.assert_allclose(sum(loss), with_label[name].losses[name].real, rtol=1e-5)


def test_a_taught_label_of_weight_0_equals_its_absence(gradients):
    _, weighted = gradients
    normals = [[name == 'normals' for name in TASKS], [False] * 3]
    weightless = weighted(batch_of([normals[0], [True] * 3], normals))
    absent = weighted(batch_of(REAL, NONE))
    for group, wanted in absent.sums.items():
        largest = max(np.abs(leaf).max() for leaf in jax.tree.leaves(wanted))
        chex.assert_trees_all_close(
            weightless.sums[group], wanted, rtol=1e-4, atol=1e-6 * float(largest)
        )


def test_a_taught_label_of_weight_1_equals_a_real_label(gradients):
    equal, _ = gradients
    real, taught = equal(batch_of(ALL, NONE)), equal(batch_of(ALL, ALL))
    jax.tree.map(np.testing.assert_array_equal, taught.sums, real.sums)


def test_a_counter_counts_a_taught_label_with_its_weight():
    config = configure(WEIGHTS)
    state, metrics = jax.jit(make_step(config))(make_state(config), batch_of(ALL, FIRST))
    assert {group: float(state.groups[group].count) for group in state.groups} == {
        SHARED: 2, 'detection': 1.25, 'normals': 1, 'saliency': 1.5,
    }  # fmt: skip
    for name in TASKS:
        assert metrics.labelled[name] == metrics.labelled[f'{name} (taught)'] == 1
        assert metrics.losses[name] > 0 and metrics.losses[f'{name} (taught)'] > 0
