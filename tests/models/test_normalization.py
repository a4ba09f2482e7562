"""Normalisation of the skips: literal numbers, padding, running statistics, gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ubernet_jax.config import ModelConfig, Statistics
from ubernet_jax.models.normalization import Normalization, SkipNormalization

STATS = {'mean': jnp.zeros(2), 'variance': jnp.ones(2), 'batches': jnp.zeros(())}
X = np.array([[1, 5], [3, 5], [1, -1], [3, -1]], np.float32).reshape(1, 2, 2, 2)
ALL_VALID = jnp.ones((1, 2, 2), bool)


def normalization(statistics: Statistics) -> SkipNormalization:
    return SkipNormalization(Normalization(statistics=statistics, momentum=0.99, epsilon=1.0))


@jax.jit
def batch_statistics(stats: dict, x: jax.Array, valid: jax.Array) -> tuple[jax.Array, dict]:
    return _train(Statistics.BATCH, stats, x, valid)


@jax.jit
def running_statistics(stats: dict, x: jax.Array, valid: jax.Array) -> tuple[jax.Array, dict]:
    return _train(Statistics.RUNNING, stats, x, valid)


def _train(
    statistics: Statistics, stats: dict, x: jax.Array, valid: jax.Array
) -> tuple[jax.Array, dict]:
    module = normalization(statistics)
    result, updated = module.apply({'batch_stats': stats}, x, valid, True, mutable=['batch_stats'])
    return result, updated['batch_stats']


def test_batch_statistics_normalise_with_epsilon_1_and_factor_10():
    result, stats = batch_statistics(STATS, X, ALL_VALID)
    expected = 10 * np.stack([[-1, 1, -1, 1] / np.sqrt(2), [3, 3, -3, -3] / np.sqrt(10)], -1)
    np.testing.assert_allclose(result.reshape(4, 2), expected, rtol=1e-5)
    np.testing.assert_allclose(stats['mean'], [2, 2], rtol=1e-6)
    np.testing.assert_allclose(stats['variance'], [1, 9], rtol=1e-6)


def test_the_module_has_no_parameters():
    module = normalization(Statistics.BATCH)
    variables = jax.eval_shape(
        lambda: module.init(jax.random.PRNGKey(0), jnp.array(X), ALL_VALID, True)
    )
    assert set(variables) == {'batch_stats'}


@pytest.mark.parametrize('train', [batch_statistics, running_statistics])
def test_padding_does_not_count(train):
    padded = np.full((2, 3, 4, 2), 1e6, np.float32)
    padded[:1, :2, :2] = X
    valid = np.zeros((2, 3, 4), bool)
    valid[:1, :2, :2] = True
    result, stats = train(STATS, X, ALL_VALID)
    padded_result, padded_stats = train(STATS, padded, valid)
    np.testing.assert_allclose(padded_result[:1, :2, :2], result, rtol=1e-6)
    for name in stats:
        np.testing.assert_allclose(padded_stats[name], stats[name], rtol=1e-6)


def test_inference_uses_the_running_statistics():
    stats = {'mean': jnp.array([1.0, -1]), 'variance': jnp.array([3.0, 8]), 'batches': 5.0}
    module = normalization(Statistics.BATCH)
    result = module.apply({'batch_stats': stats}, X, ALL_VALID, False)
    expected = 10 * np.array([[0, 6], [2, 6], [0, 0], [2, 0]]) / np.array([2, 3])
    np.testing.assert_allclose(result.reshape(4, 2), expected, rtol=1e-6)


def test_training_with_running_statistics_normalises_as_in_inference():
    stats = {'mean': jnp.array([1.0, -1]), 'variance': jnp.array([3.0, 8]), 'batches': 5.0}
    result, updated = running_statistics(stats, X, ALL_VALID)
    module = normalization(Statistics.RUNNING)
    in_inference = module.apply({'batch_stats': updated}, X, ALL_VALID, False)
    np.testing.assert_allclose(result, in_inference, rtol=1e-6)
    np.testing.assert_allclose(updated['mean'], [7 / 6, -0.5], rtol=1e-6)  # average of 6 batches


def test_running_statistics_average_the_first_batches_then_decay_exponentially():
    stats = STATS
    for number in range(1, 5):
        _, stats = batch_statistics(stats, X * number, ALL_VALID)
    np.testing.assert_allclose(stats['mean'], np.array([2, 2]) * np.mean([1, 2, 3, 4]), rtol=1e-5)
    assert stats['batches'] == 4
    late = {'mean': jnp.zeros(2), 'variance': jnp.zeros(2), 'batches': 5000.0}
    _, stats = batch_statistics(late, X, ALL_VALID)
    np.testing.assert_allclose(stats['mean'], [0.02, 0.02], rtol=1e-4)
    np.testing.assert_allclose(stats['variance'], [0.01, 0.09], rtol=1e-4)


def test_gradients_of_a_batch_without_valid_pixels_are_finite():
    for train in (batch_statistics, running_statistics):
        gradient = jax.grad(lambda x, train=train: train(STATS, x, ~ALL_VALID)[0].sum())(X)
        assert np.isfinite(gradient).all()


def test_epsilon_follows_the_scale_of_the_images():
    settings = Normalization.of_model(ModelConfig(std=(1.0, 1.0, 1.0)))
    assert settings.epsilon == 1
    settings = Normalization.of_model(ModelConfig(std=(50.0, 60.0, 70.0), statistics_momentum=0.9))
    assert settings.epsilon == pytest.approx(1 / 3600)
    assert settings.momentum == 0.9


def test_dividing_activations_and_epsilon_alike_changes_nothing():
    valid = jnp.ones((1, 8, 8), bool)
    x = np.random.default_rng(0).normal(0, 3, (1, 8, 8, 2)).astype(np.float32)
    variables = {'batch_stats': STATS}
    whole, divided = (
        SkipNormalization(
            Normalization(statistics=Statistics.BATCH, momentum=0.9, epsilon=1 / s**2)
        ).apply(variables, x / s, valid, True, mutable=['batch_stats'])[0]
        for s in (1, 60)
    )
    np.testing.assert_allclose(whole, divided, rtol=1e-4, atol=1e-5)


def test_only_batch_statistics_have_a_gradient():
    weights = np.random.default_rng(0).normal(size=X.shape).astype(np.float32)

    def gradient(train) -> np.ndarray:
        return jax.grad(lambda x: (train(STATS, x, ALL_VALID)[0] * weights).sum())(X)

    # Shifting a channel has no effect if the mean of the batch is subtracted.
    np.testing.assert_allclose(gradient(batch_statistics).sum((0, 1, 2)), [0, 0], atol=1e-5)
    factor = 10 / np.sqrt(np.array([1, 9]) + 1)
    np.testing.assert_allclose(gradient(running_statistics), weights * factor, rtol=1e-5)
