"""Weights of the balancing methods, compared with the definitions in their papers."""

import functools
import itertools

import jax
import numpy as np
import pytest

from ubernet_jax.training import balancing

KEY = jax.random.PRNGKey(0)
METHODS = {
    'equal norms': jax.jit(balancing.equal_norms),
    'pcgrad': jax.jit(balancing.pcgrad),
    'cagrad': jax.jit(functools.partial(balancing.cagrad, radius=0.4)),
}
cagrad = jax.jit(balancing.cagrad)


def weigh(method: str, gradients: list[list[float]], key: jax.Array = KEY) -> np.ndarray:
    """The weights of gradients (K, D)."""
    gradients = np.array(gradients, np.float32)
    return np.asarray(METHODS[method](gradients @ gradients.T, key))


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('gradients', [[[0, 0], [3, 4]], [[3, 4], [3, 4]]])
def test_a_single_gradient_or_two_equal_gradients_keep_their_sum(method, gradients):
    combined = weigh(method, gradients) @ gradients
    np.testing.assert_allclose(combined, np.sum(gradients, 0), rtol=1e-4)


@pytest.mark.parametrize('method', METHODS)
def test_an_empty_slot_changes_nothing(method):
    gradients = [[1, 0], [-1, 1]]
    wanted = weigh(method, gradients)
    first, empty, last = weigh(method, [gradients[0], [0, 0], gradients[1]])
    np.testing.assert_allclose((first, last), wanted, rtol=1e-5)
    assert np.isfinite(empty)
    assert np.isfinite(weigh(method, [[0, 0], [0, 0]])).all()


def test_equal_norms_scales_all_gradients_to_the_same_norm():
    # Norms 5 and 10: both become 20 / 3. The weights add up to the number of gradients.
    np.testing.assert_allclose(weigh('equal norms', [[3, 4], [0, 10]]), [4 / 3, 2 / 3], rtol=1e-6)


def test_pcgrad_projects_conflicting_gradients():
    # (1, 0) becomes (1/2, 1/2), which is orthogonal to (-1, 1); that becomes (0, 1).
    weights = weigh('pcgrad', [[1, 0], [-1, 1]])
    np.testing.assert_allclose(weights @ [[1, 0], [-1, 1]], [0.5, 1.5], rtol=1e-6)


def test_pcgrad_does_not_change_gradients_without_conflict():
    np.testing.assert_array_equal(weigh('pcgrad', [[1, 0], [0, 2], [3, 1]]), [1, 1, 1])


def test_pcgrad_is_the_algorithm_of_the_paper_in_a_random_order():
    gradients = np.array([[1.0, 0.2, 0.1], [-1.0, 0.5, 0.3], [-0.3, -1.0, 0.4]])

    def project(index: int, order: tuple[int, ...]) -> np.ndarray:
        gradient = gradients[index]
        for other in order:
            product = gradient @ gradients[other]
            if product < 0:
                gradient = gradient - product / (gradients[other] ** 2).sum() * gradients[other]
        return gradient

    projections = [
        [project(index, order) for order in itertools.permutations({0, 1, 2} - {index})]
        for index in range(3)
    ]
    possible = np.array([sum(chosen) for chosen in itertools.product(*projections)])
    seen = set()
    for key in jax.random.split(KEY, 16):
        combined = weigh('pcgrad', gradients, key) @ gradients
        distances = np.abs(possible - combined).max(1)
        assert distances.min() < 1e-5
        seen.add(int(distances.argmin()))
    assert len(seen) > 1


@pytest.mark.parametrize('radius', [0.0, 0.2, 0.8])
@pytest.mark.parametrize(
    'gradients', [[[2, 0], [-1, 1]], [[1, 0], [-2, 0.1]], [[3, 1], [-1, 1], [0.1, -0.5]]]
)
def test_cagrad_improves_the_worst_task_most(gradients, radius):
    gradients = np.array(gradients, np.float32)
    count, mean = len(gradients), gradients.mean(0)
    weights = cagrad(gradients @ gradients.T, KEY, radius)
    direction = np.asarray(weights) @ gradients * (1 + radius) / count
    reach = radius * np.linalg.norm(mean)
    assert np.linalg.norm(direction - mean) <= 1.001 * reach + 1e-6
    angles = np.linspace(0, 2 * np.pi, 10_001)
    ball = mean + reach * np.stack([np.cos(angles), np.sin(angles)], 1)
    best = (ball @ gradients.T).min(1).max()
    unit = np.linalg.norm(mean) * np.linalg.norm(gradients)
    assert (gradients @ direction).min() == pytest.approx(best, abs=float(0.002 * unit))
