"""Batch normalisation without scale and shift: its values, gradient and residuals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.host_programs import jit_to_host
from ubernet_jax.ops.custom_vjp.normalization import normalise, normalise_batch

pytestmark = pytest.mark.slow


def test_values_and_gradients_equal_those_of_the_formula():
    """For two images, one of which has padding."""
    rng = np.random.default_rng(0)
    x, weights = rng.normal(1, 2, (2, 2, 3, 4, 5)).astype(np.float32)
    valid = np.ones((2, 3, 4), bool)
    valid[1, :, 2:] = False

    def formula(x: jax.Array) -> jax.Array:
        counted = x[valid]
        variance = jnp.square(counted - counted.mean(0, keepdims=True)).mean(0)
        centred = x - counted.mean(0).reshape(1, 1, 1, -1)
        return 10 * centred / jnp.sqrt(variance + 1).reshape(1, 1, 1, -1)

    @jit_to_host
    def evaluate(x: jax.Array) -> tuple[tuple[jax.Array, ...], tuple[jax.Array, ...]]:
        (result, mean, variance), pull_back = jax.vjp(lambda x: normalise_batch(x, valid, 1.0), x)
        expected, expected_pull_back = jax.vjp(formula, x)
        zeros = jnp.zeros_like(mean), jnp.zeros_like(variance)
        values = result, normalise(x, mean, variance, 1.0), expected
        return values, (*pull_back((weights, *zeros)), *expected_pull_back(weights))

    (result, with_statistics, expected), (gradient, expected_gradient) = evaluate(x)
    np.testing.assert_allclose(result, expected, atol=1e-5)
    np.testing.assert_allclose(result, with_statistics, atol=1e-5)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-5)


def test_the_residuals_are_little_more_than_the_argument():
    x = jax.ShapeDtypeStruct((1, 64, 64, 8), jnp.bfloat16)
    valid = np.ones((1, 64, 64), bool)
    pull_back = jax.eval_shape(
        lambda x: jax.vjp(lambda x: normalise_batch(x, valid, 1.0)[0], x)[1], x
    )
    residual_bytes = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(pull_back))
    assert residual_bytes < 1.1 * x.size * x.dtype.itemsize
