"""MGDA and UPGrad: optimality conditions of their quadratic programs."""

import jax
import numpy as np
import pytest

from helpers.balancing import (
    random_gradients,
    shortest_combination,
    special_gradients,
    weigh,
)
from ubernet_jax.training.dual_cone import nonnegative_minimum

SEEDS = range(6)
KINDS = ('plane', 'equal', 'parallel', 'opposite', 'similar', 'lengths', 'empty')
minimum_of = jax.jit(nonnegative_minimum)


@pytest.mark.parametrize('seed', SEEDS)
def test_mgda_is_the_shortest_convex_combination(seed):
    gradients = random_gradients(seed)
    weights = weigh('mgda', gradients) / len(gradients)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    shortest = weights @ gradients
    products, squared = gradients @ shortest, shortest @ shortest
    assert products.min() >= squared - 1e-4
    np.testing.assert_allclose(products[weights > 1e-4], squared, atol=1e-4)


@pytest.mark.parametrize('count', [2, 5, 7])
@pytest.mark.parametrize('kind', KINDS)
def test_mgda_is_exact_for_dependent_gradients_and_very_different_lengths(kind, count):
    for seed in SEEDS:
        gradients = special_gradients(kind, seed, count)
        used = gradients.any(1)
        weights = weigh('mgda', gradients).astype(float) / used.sum()
        assert weights.min() >= 0 and not weights[~used].any()
        assert weights.sum() == pytest.approx(1, abs=1e-5)
        shortest = weights @ gradients
        assert (gradients[used] @ shortest).min() >= shortest @ shortest - 1e-5
        expected = shortest_combination(gradients[used])
        assert np.linalg.norm(shortest) == pytest.approx(expected, abs=1e-5)


def test_mgda_of_gradients_around_the_origin_is_zero():
    gradients = np.array([[1.0, 0], [-1, 1], [-1, -1]])
    weights = weigh('mgda', gradients)
    np.testing.assert_allclose(weights, [1.5, 0.75, 0.75], atol=1e-5)
    np.testing.assert_allclose(weights @ gradients, 0, atol=1e-5)


@pytest.mark.parametrize('seed', SEEDS)
def test_upgrad_conflicts_with_no_gradient(seed):
    gradients = random_gradients(seed)
    weights = weigh('upgrad', gradients)
    assert (gradients @ (weights @ gradients)).min() >= -1e-4
    assert weights.min() >= 1 - 1e-5  # a projection onto the cone only adds gradients


@pytest.mark.parametrize('count', [2, 5, 7])
@pytest.mark.parametrize('kind', KINDS)
def test_upgrad_conflicts_with_no_dependent_gradient(kind, count):
    for seed in SEEDS:
        gradients = special_gradients(kind, seed, count)
        used = gradients.any(1)
        weights = weigh('upgrad', gradients).astype(float)
        assert weights[used].min() >= 1 - 1e-5 and not weights[~used].any()
        direction = weights @ gradients / max(1, weights.max())
        assert (gradients @ direction).min() >= -1e-5


def test_upgrad_does_not_change_gradients_without_conflict():
    np.testing.assert_allclose(weigh('upgrad', [[1, 0], [0, 2], [3, 1]]), 1, atol=1e-5)


def test_upgrad_adds_up_the_projections():
    # (1, 0) becomes (1/2, 1/2), orthogonal to (-1, 1); that becomes (0, 1), orthogonal to (1, 0).
    np.testing.assert_allclose(weigh('upgrad', [[1, 0], [-1, 1]]), [2, 1.5], atol=1e-5)


@pytest.mark.parametrize('seed', SEEDS)
def test_the_minimum_meets_the_optimality_conditions(seed):
    gradients = random_gradients(seed)
    unit = gradients / np.linalg.norm(gradients, axis=1, keepdims=True)
    cosines, slope = unit @ unit.T, np.random.default_rng(seed).normal(size=len(unit))
    minimum = np.asarray(minimum_of(cosines.astype(np.float32), slope.astype(np.float32)))
    gradient = cosines @ minimum + slope
    assert minimum.min() >= 0
    assert gradient.min() >= -1e-4
    assert np.abs(minimum * gradient).max() < 1e-4
