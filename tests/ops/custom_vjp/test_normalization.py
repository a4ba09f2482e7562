"""The normalisation of the skips: literal numbers, padding, running statistics, gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ubernet_jax.config import Statistics
from ubernet_jax.models.normalization import SkipNormalization, normalise_batch

STATS = {'mean': jnp.zeros(2), 'variance': jnp.ones(2), 'batches': jnp.zeros(())}
FOUR = np.array([[1, 5], [3, 5], [1, -1], [3, -1]], np.float32).reshape(1, 2, 2, 2)
ALL_VALID = jnp.ones((1, 2, 2), bool)


@jax.jit
def batch(stats: dict, x: jax.Array, valid: jax.Array) -> tuple[jax.Array, dict]:
    return _train(Statistics.BATCH, stats, x, valid)


@jax.jit
def running(stats: dict, x: jax.Array, valid: jax.Array) -> tuple[jax.Array, dict]:
    return _train(Statistics.RUNNING, stats, x, valid)


def _train(
    statistics: Statistics, stats: dict, x: jax.Array, valid: jax.Array
) -> tuple[jax.Array, dict]:
    module = SkipNormalization(statistics)
    result, updated = module.apply({'batch_stats': stats}, x, valid, True, mutable=['batch_stats'])
    return result, updated['batch_stats']


def test_the_batch_is_normalised_with_eps_1_times_10():
    result, stats = batch(STATS, FOUR, ALL_VALID)
    wanted = 10 * np.stack([[-1, 1, -1, 1] / np.sqrt(2), [3, 3, -3, -3] / np.sqrt(10)], -1)
    np.testing.assert_allclose(result.reshape(4, 2), wanted, rtol=1e-5)
    np.testing.assert_allclose(stats['mean'], [2, 2], rtol=1e-6)
    np.testing.assert_allclose(stats['variance'], [1, 9], rtol=1e-6)


def test_it_has_no_parameters():
    module = SkipNormalization(Statistics.BATCH)
    variables = jax.eval_shape(
        lambda: module.init(jax.random.PRNGKey(0), jnp.array(FOUR), ALL_VALID, True)
    )
    assert set(variables) == {'batch_stats'}


@pytest.mark.parametrize('train', [batch, running])
def test_padding_does_not_count(train):
    padded = np.full((2, 3, 4, 2), 1e6, np.float32)
    padded[:1, :2, :2] = FOUR
    valid = np.zeros((2, 3, 4), bool)
    valid[:1, :2, :2] = True
    result, stats = train(STATS, FOUR, ALL_VALID)
    padded_result, padded_stats = train(STATS, padded, valid)
    np.testing.assert_allclose(padded_result[:1, :2, :2], result, rtol=1e-6)
    for name in stats:
        np.testing.assert_allclose(padded_stats[name], stats[name], rtol=1e-6)


def test_a_test_uses_the_running_statistics_and_leaves_them():
    stats = {'mean': jnp.array([1.0, -1]), 'variance': jnp.array([3.0, 8]), 'batches': 5.0}
    module = SkipNormalization(Statistics.BATCH)
    result = module.apply({'batch_stats': stats}, FOUR, ALL_VALID, False)
    wanted = 10 * np.array([[0, 6], [2, 6], [0, 0], [2, 0]]) / np.array([2, 3])
    np.testing.assert_allclose(result.reshape(4, 2), wanted, rtol=1e-6)


def test_running_statistics_normalise_training_as_they_do_tests():
    stats = {'mean': jnp.array([1.0, -1]), 'variance': jnp.array([3.0, 8]), 'batches': 5.0}
    result, updated = running(stats, FOUR, ALL_VALID)
    module = SkipNormalization(Statistics.RUNNING)
    tested = module.apply({'batch_stats': updated}, FOUR, ALL_VALID, False)
    np.testing.assert_allclose(result, tested, rtol=1e-6)
    np.testing.assert_allclose(updated['mean'], [7 / 6, -0.5], rtol=1e-6)  # 6 batches' average


def test_the_average_of_the_first_batches_then_an_exponential_one():
    stats = STATS
    for number in range(1, 5):
        _, stats = batch(stats, FOUR * number, ALL_VALID)
    np.testing.assert_allclose(stats['mean'], np.array([2, 2]) * np.mean([1, 2, 3, 4]), rtol=1e-5)
    assert stats['batches'] == 4
    late = {'mean': jnp.zeros(2), 'variance': jnp.zeros(2), 'batches': 5000.0}
    _, stats = batch(late, FOUR, ALL_VALID)
    np.testing.assert_allclose(stats['mean'], [0.02, 0.02], rtol=1e-4)
    np.testing.assert_allclose(stats['variance'], [0.01, 0.09], rtol=1e-4)


def test_a_batch_without_a_valid_pixel_stays_finite():
    for train in (batch, running):
        gradient = jax.grad(lambda x, train=train: train(STATS, x, ~ALL_VALID)[0].sum())(FOUR)
        assert np.isfinite(gradient).all()


def test_only_the_batchs_own_statistics_pass_a_gradient():
    weights = np.random.default_rng(0).normal(size=FOUR.shape).astype(np.float32)

    def gradient(train) -> np.ndarray:
        return jax.grad(lambda x: (train(STATS, x, ALL_VALID)[0] * weights).sum())(FOUR)

    # A shift of a whole channel changes nothing where the batch's own mean is subtracted.
    np.testing.assert_allclose(gradient(batch).sum((0, 1, 2)), [0, 0], atol=1e-5)
    factor = 10 / np.sqrt(np.array([1, 9]) + 1)
    np.testing.assert_allclose(gradient(running), weights * factor, rtol=1e-5)


def test_the_gradient_is_that_of_the_formula():
    """Written out, over two images of which one is partly padding."""
    rng = np.random.default_rng(0)
    x, weights = rng.normal(1, 2, (2, 2, 3, 4, 5)).astype(np.float32)
    valid = np.ones((2, 3, 4), bool)
    valid[1, :, 2:] = False

    def formula(x: jax.Array) -> jax.Array:
        counted = x[valid]
        variance = jnp.square(counted - counted.mean(0, keepdims=True)).mean(0)
        centred = x - counted.mean(0).reshape(1, 1, 1, -1)
        return 10 * centred / jnp.sqrt(variance + 1).reshape(1, 1, 1, -1)

    own = jax.grad(lambda x: (normalise_batch(x, valid)[0] * weights).sum())(x)
    wanted = jax.grad(lambda x: (formula(x) * weights).sum())(x)
    np.testing.assert_allclose(own, wanted, atol=1e-5)


def test_the_backward_pass_keeps_the_argument_and_little_else():
    x = jax.ShapeDtypeStruct((1, 64, 64, 8), jnp.bfloat16)
    valid = np.ones((1, 64, 64), bool)
    pull = jax.eval_shape(lambda x: jax.vjp(lambda x: normalise_batch(x, valid)[0], x)[1], x)
    kept = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(pull))
    assert kept < 1.1 * x.size * x.dtype.itemsize
