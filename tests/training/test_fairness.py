"""FairGrad and Nash-MTL: the equations that their weights solve."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.balancing import random_gradients, weigh
from ubernet_jax.training.fairness import fairgrad, nash_mtl


@pytest.mark.parametrize('alpha', [0.5, 1.0, 2.0, 10.0])
@pytest.mark.parametrize('seed', range(4))
def test_weights_solve_the_equation_of_fairgrad(alpha, seed):
    gradients = random_gradients(seed)
    gram = (gradients @ gradients.T).astype(np.float32)
    weights = np.asarray(jax.jit(fairgrad)(gram, alpha))
    assert weights.min() > 0
    assert weights.sum() == pytest.approx(4, rel=1e-5)
    # gram w = w^(-1/alpha) holds for a multiple of the weights, so the ratio is constant.
    ratio = (gram @ weights) ** alpha * weights
    np.testing.assert_allclose(ratio, ratio[0], rtol=2e-3)


def test_every_task_improves_and_equally_in_proportion_with_nash_mtl():
    gradients = np.array([[3.0, 1, 0], [-1, 1, 0.5], [0.1, -0.5, 2]])
    weights = weigh('nash_mtl', gradients)
    improvements = gradients @ (weights @ gradients)
    assert improvements.min() > 0
    np.testing.assert_allclose(improvements * weights, (improvements * weights)[0], rtol=1e-4)


def test_nash_mtl_is_fairgrad_with_alpha_1():
    gram = jnp.array([[6.0, -6, 2], [-6, 9, 1], [2, 1, 11]])
    np.testing.assert_array_equal(nash_mtl(gram), fairgrad(gram, 1.0))


def test_a_larger_alpha_improves_the_worst_task_more():
    gradients = np.array([[4.0, 0], [-0.3, 0.5]])
    worst = []
    for alpha in (0.5, 1.0, 4.0):
        direction = np.asarray(fairgrad(jnp.asarray(gradients @ gradients.T), alpha))
        direction = direction @ gradients
        worst.append((gradients @ direction).min() / np.linalg.norm(direction))
    assert worst == sorted(worst)
