"""Weights of the balancing methods, compared with the definitions in their papers."""

import itertools

import jax
import numpy as np
import pytest

from helpers.balancing import METHODS, random_gradients, weigh
from ubernet_jax.training import balancing

KEY = jax.random.PRNGKey(0)
cagrad = jax.jit(balancing.cagrad)


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
    np.testing.assert_allclose(weigh('equal_norms', [[3, 4], [0, 10]]), [4 / 3, 2 / 3], rtol=1e-6)


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
    weights = cagrad(gradients @ gradients.T, radius)
    direction = np.asarray(weights) @ gradients * (1 + radius) / count
    reach = radius * np.linalg.norm(mean)
    assert np.linalg.norm(direction - mean) <= 1.001 * reach + 1e-6
    angles = np.linspace(0, 2 * np.pi, 10_001)
    ball = mean + reach * np.stack([np.cos(angles), np.sin(angles)], 1)
    best = (ball @ gradients.T).min(1).max()
    unit = np.linalg.norm(mean) * np.linalg.norm(gradients)
    assert (gradients @ direction).min() == pytest.approx(best, abs=float(0.002 * unit))


# Weights that add up to 1, by TorchJD 0.18 (pip install torchjd quadprog qpsolvers) in float64: the
# classes IMTLGWeighting, AlignedMTLWeighting, FairGradWeighting(alpha=1.0 and 2.0), UPGradWeighting
# with QuadprogProjector(norm_eps=1e-12, reg_eps=1e-13), MGDAWeighting(1e-12, 200_000).
PEER_GRADIENTS = [[3, 0, 1, 0, -1], [-2, 1, 0, 1, 0], [0, -1, 2, 0, 1], [1, 1, -1, -2, 4]]
PEER_WEIGHTS = {
    'mgda': [0.3188538, 0.4767293, 0.0958204, 0.1085965],
    'imtl_g': [0.3270378, 0.4734985, 0.07579, 0.1236738],
    'aligned_mtl': [0.2920965, 0.404182, 0.1631046, 0.140617],
    'nash_mtl': [0.2886373, 0.4315839, 0.1554522, 0.1243267],
    'fairgrad': [0.3009248, 0.4503886, 0.1336277, 0.1150589],
    'upgrad': [0.2922059, 0.4294186, 0.1181921, 0.1601834],
}


@pytest.mark.parametrize('method', PEER_WEIGHTS)
def test_weights_are_those_of_torchjd(method):
    weights = weigh(method, PEER_GRADIENTS)
    np.testing.assert_allclose(weights / weights.sum(), PEER_WEIGHTS[method], atol=1e-5)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.mark.parametrize('seed', range(5))
def test_imtl_g_has_equal_projections_onto_all_gradients(seed):
    gradients = random_gradients(seed)
    direction = unit(weigh('imtl_g', gradients) @ gradients)
    projections = unit(gradients) @ direction
    np.testing.assert_allclose(projections, projections[0], atol=1e-4)


@pytest.mark.parametrize('seed', range(5))
def test_aligned_mtl_adds_up_orthogonal_gradients_of_equal_length(seed):
    gradients = random_gradients(seed)
    left, lengths, right = np.linalg.svd(gradients, full_matrices=False)
    wanted = lengths[-1] * (left @ right).sum(0)
    np.testing.assert_allclose(weigh('aligned_mtl', gradients) @ gradients, wanted, atol=1e-4)


@pytest.mark.parametrize('method', ['imtl_g', 'nash_mtl'])
@pytest.mark.parametrize('seed', range(3))
def test_the_lengths_of_the_gradients_do_not_change_the_direction(method, seed):
    gradients = random_gradients(seed)
    wanted, direction = (
        unit(weigh(method, scaled) @ scaled) for scaled in (gradients, 10 * unit(gradients))
    )
    np.testing.assert_allclose(direction, wanted, atol=1e-4)


@pytest.mark.parametrize('method', METHODS)
def test_the_unit_of_the_losses_does_not_change_the_weights(method):
    gradients = random_gradients(2)
    wanted = weigh(method, gradients)
    np.testing.assert_allclose(weigh(method, 1e4 * gradients), wanted, rtol=1e-3)


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize(
    'gradients', [[[1, 0], [-1, 0]], [[1, 0], [-2, 0]], [[1, 0], [-1, 1], [-1, -1]]]
)
def test_gradients_without_a_common_direction_have_finite_weights(method, gradients):
    assert np.isfinite(weigh(method, gradients)).all()
