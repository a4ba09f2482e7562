"""Matching of boundary pixels, compared with brute force and with an assignment with dummies."""

import functools
import itertools
import math

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from ubernet_jax.metrics.matching import Matcher

pytestmark = pytest.mark.slow

GRID = tuple(itertools.product(range(2), range(3)))
SUBSETS = [s for size in range(7) for s in itertools.combinations(GRID, size)]


def as_map(pixels, shape=(2, 3)) -> np.ndarray:
    pixel_map = np.zeros(shape, bool)
    pixel_map[tuple(np.array(pixels, int).reshape(-1, 2).T)] = True
    return pixel_map


@functools.cache
def brute_force(predicted, truth, limit):
    """Finds (-pairs, sum of distances) of the best matching from all partners of all pixels."""
    if not predicted:
        return 0, 0.0
    first, rest = predicted[0], predicted[1:]
    options = [brute_force(rest, truth, limit)]
    for i, pixel in enumerate(truth):
        distance = math.dist(first, pixel)
        if distance <= limit:
            pairs, total = brute_force(rest, truth[:i] + truth[i + 1 :], limit)
            options.append((pairs - 1, total + distance))
    return min(options)


def score(matcher: Matcher) -> tuple[int, float]:
    return -np.count_nonzero(matcher.matched), matcher.distance[matcher.matched].sum()


def is_one_to_one(matcher: Matcher) -> bool:
    ends = matcher.truth[matcher.matched], matcher.prediction[matcher.matched]
    return all(len(np.unique(nodes)) == len(nodes) for nodes in ends)


@pytest.mark.parametrize('limit', [1.0, 1.5])
def test_agrees_with_brute_force_on_all_subsets_of_six_pixels(limit):
    order = np.random.default_rng(0).permutation(len(SUBSETS))
    for truth in SUBSETS:
        matcher = Matcher(np.ones((2, 3), bool), as_map(truth), limit)
        for predicted in (SUBSETS[i] for i in order):
            matched = matcher.match(as_map(predicted))
            assert score(matcher) == pytest.approx(brute_force(predicted, truth, limit))
            assert is_one_to_one(matcher)
            assert set(map(tuple, matched.tolist())) <= set(predicted)
            assert len(matched) == -score(matcher)[0]


def with_dummies(predicted: np.ndarray, truth: np.ndarray, limit: float) -> tuple[int, float]:
    """Solves the problem as a dense assignment with a separate dummy for each predicted pixel."""
    offset = np.argwhere(predicted)[:, None] - np.argwhere(truth)[None]
    distance = np.hypot(*np.moveaxis(offset, -1, 0))
    cost = np.where(distance <= limit, distance, 1e9)
    dummies = np.full((len(cost), len(cost)), 1e9)
    np.fill_diagonal(dummies, 100 * limit)
    row, column = linear_sum_assignment(np.hstack([cost, dummies]))
    matched = column < cost.shape[1]
    return -np.count_nonzero(matched), distance[row[matched], column[matched]].sum()


@pytest.mark.parametrize('seed', range(8))
def test_agrees_with_the_assignment_at_descending_thresholds(seed):
    rng = np.random.default_rng(seed)
    strength, truth = rng.random((40, 40)), rng.random((40, 40)) > 0.85
    limit = rng.uniform(1, 4)
    matcher = Matcher(strength > 0.6, truth, limit)
    for threshold in (0.98, 0.95, 0.9, 0.85, 0.6):
        matcher.match(strength > threshold)
        assert score(matcher) == pytest.approx(with_dummies(strength > threshold, truth, limit))
        assert is_one_to_one(matcher)


def test_distance_limit_is_inclusive():
    predicted, truth = as_map([(0, 0)], (4, 5)), as_map([(3, 4)], (4, 5))
    assert len(Matcher(predicted, truth, 5.0).match(predicted)) == 1
    assert len(Matcher(predicted, truth, 4.999).match(predicted)) == 0


def test_more_pairs_are_preferred_to_less_distance():
    # (0, 1) is in both maps; matching it with (0, 0) instead of itself allows a second pair.
    predicted, truth = as_map([(0, 1), (0, 2)], (1, 4)), as_map([(0, 0), (0, 1)], (1, 4))
    matcher = Matcher(predicted, truth, 1.0)
    assert len(matcher.match(predicted)) == 2
    assert score(matcher) == (-2, 2.0)


@pytest.mark.parametrize('empty', ['predicted', 'truth', 'both'])
def test_empty_maps_match_nothing(empty):
    zeros, diagonal = np.zeros((3, 3), bool), np.eye(3, dtype=bool)
    predicted = zeros if empty in ('predicted', 'both') else diagonal
    truth = zeros if empty in ('truth', 'both') else diagonal
    assert Matcher(predicted, truth, 2.0).match(predicted).shape == (0, 2)


def test_case_in_which_scipy_does_not_terminate_without_rounding():
    rng = np.random.default_rng(1586)
    predicted, truth = rng.random((2, 20, 20)) < 0.15
    matcher = Matcher(predicted, truth, 4.3)
    matcher.match(predicted)
    assert score(matcher) == pytest.approx(with_dummies(predicted, truth, 4.3))
