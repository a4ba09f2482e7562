"""Computation in bfloat16: approximately the same results; all sums stay float32."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.networks import make_batch, make_state, relative_distance
from ubernet_jax.config import (
    PAPER,
    Config,
    DetectionConfig,
    Initialisation,
    ModelConfig,
    Precision,
)
from ubernet_jax.network import make_network
from ubernet_jax.training.settings import make_step_settings
from ubernet_jax.training.task_gradients import Gradients, compute_gradients

pytestmark = pytest.mark.slow

TASKS = {name: PAPER[name]() for name in ('boundaries', 'normals', 'segmentation', 'detection')}
TASKS['detection'].detector = DetectionConfig(width=16, anchor_scales=(1.0, 2.0), min_side=4.0)


def make_config(precision: Precision) -> Config:
    model = ModelConfig(
        width=1 / 16,
        scales=1,
        dropout=0.0,
        precision=precision,
        initialisation=Initialisation.RANDOM,
    )
    return Config(tasks=TASKS, model=model)


@pytest.fixture(scope='module')
def gradients() -> dict[Precision, Gradients]:
    results = {}
    for precision in Precision:
        config = make_config(precision)
        network, state = make_network(config), make_state(config)
        batch = make_batch(network.tasks, np.ones((2, len(TASKS)), bool))

        compute = functools.partial(compute_gradients, make_step_settings(config, network))
        compiled = jax.jit(compute)
        results[precision] = compiled(state.params, state.batch_stats, batch, state.rng)
    return results


def test_losses_and_gradients_equal_those_of_float32_up_to_rounding(gradients):
    full, low = (gradients[p] for p in (Precision.FLOAT32, Precision.BFLOAT16))
    for name in TASKS:
        loss, expected = (float(part.losses[name].real) for part in (low, full))
        assert loss == pytest.approx(expected, rel=0.05), name
    for group in ('shared', 'boundaries', 'normals', 'segmentation'):
        distance = relative_distance(low.sums[group], full.sums[group])
        assert 1e-5 < distance < 0.1, group  # not equal, because the precision differs


def test_sums_and_statistics_stay_float32(gradients):
    low = gradients[Precision.BFLOAT16]
    leaves = jax.tree.leaves((low.sums, low.losses, low.batch_stats))
    assert {leaf.dtype for leaf in leaves} == {jnp.dtype('float32')}


def test_features_take_half_the_memory():
    def size(precision: Precision) -> int:
        network = make_network(make_config(precision))
        variables = jax.eval_shape(network.init, jax.random.PRNGKey(0))
        image, valid = np.zeros((1, 65, 65, 3), np.uint8), np.ones((1, 65, 65), bool)
        features = jax.eval_shape(
            lambda params, stats: network.features(params['shared'], stats, image, valid)[0],
            *variables,
        )
        return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(features))

    assert size(Precision.BFLOAT16) * 2 == size(Precision.FLOAT32)
