"""Depth errors compared with loops over pixels."""

import math

import numpy as np
import pytest

from ubernet_jax.metrics.depth import DepthMetric
from ubernet_jax.metrics.metric import MetricError


def random_depths(seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Predictions and truths of three images of different sizes, some pixels unknown."""
    rng = np.random.default_rng(seed)
    images = []
    for height, width in ((4, 5), (7, 3), (2, 9)):
        true = rng.uniform(0.5, 9, (height, width))
        predicted = true * np.exp(rng.normal(0.1, 0.3, true.shape))
        true[rng.random(true.shape) < 0.3] = 0
        images.append((predicted, true))
    return images


def score(images, **settings):
    metric = DepthMetric(**settings)
    for predicted, true in images:
        metric.update(predicted, true)
    return metric.compute()


def test_all_scores_equal_sums_over_pixels():
    images = random_depths()
    pixels = [
        (float(p), float(t))
        for predicted, true in images
        for p, t in zip(predicted.ravel(), true.ravel(), strict=True)
        if t > 0
    ]
    count = len(pixels)
    logs = [math.log(p) - math.log(t) for p, t in pixels]
    expected = {
        'rmse': math.sqrt(sum((p - t) ** 2 for p, t in pixels) / count),
        'mae': sum(abs(p - t) for p, t in pixels) / count,
        'abs_rel': sum(abs(p - t) / t for p, t in pixels) / count,
        'sq_rel': sum((p - t) ** 2 / t for p, t in pixels) / count,
        'rmse_log': math.sqrt(sum(log**2 for log in logs) / count),
        'log10': sum(abs(math.log10(p) - math.log10(t)) for p, t in pixels) / count,
        'si_log': 100 * math.sqrt(sum(log**2 for log in logs) / count - (sum(logs) / count) ** 2),
        **{
            f'delta_{power}': sum(max(p / t, t / p) < 1.25**power for p, t in pixels) / count
            for power in (1, 2, 3)
        },
    }
    result = score(images)
    assert {name: getattr(result, name) for name in expected} == pytest.approx(expected)
    assert (result.pixels, result.images) == (count, 3)


def test_pixels_are_pooled_over_images():
    near = np.full((1, 1), 2.0), np.full((1, 1), 1.0)
    exact = np.full((3, 1), 1.0), np.full((3, 1), 1.0)
    assert score([near, exact]).mae == pytest.approx(0.25)


def test_depths_beyond_the_valid_range_do_not_count():
    true = np.array([[1.0, 12.0, np.nan, np.inf, -1.0, 0.0]])
    predicted = np.array([[2.0, 99.0, 99.0, 99.0, 99.0, 99.0]])
    result = score([(predicted, true)], valid=(0.001, 10.0))
    assert (result.pixels, result.rmse) == (1, 1.0)
    assert result.protocol['valid'] == 'true depth 0.001 to 10 m'


def test_median_scaling_removes_a_constant_factor():
    _, true = random_depths()[0]
    predicted = np.where(true > 0, 3 * true, 1.0)
    assert score([(predicted, true)]).abs_rel == pytest.approx(2)
    scaled = score([(predicted, true)], median_scaling=True)
    assert scaled.abs_rel == pytest.approx(0, abs=1e-12)
    assert scaled.protocol['median_scaling'] == 'each image'


def test_si_log_ignores_a_constant_factor():
    _, true = random_depths()[0]
    assert score([(np.where(true > 0, 3 * true, 1.0), true)]).si_log == pytest.approx(0, abs=1e-4)


def test_errors_are_better_when_lower_and_rmse_is_the_main_score():
    scores = score(random_depths()).scores()
    assert {s.name: s.lower_is_better for s in scores} == {
        'rmse': True,
        'abs_rel': True,
        'delta_1': False,
    }
    assert [(s.name, s.unit) for s in scores if s.main] == [('rmse', 'm')]


@pytest.mark.parametrize(
    ('predicted', 'true', 'message'),
    [
        (np.ones((2, 2)), np.ones((2, 3)), r'\(2, 2\).*\(2, 3\)'),
        (np.ones((2, 2), int), np.ones((2, 2)), 'prediction.*int64'),
        (np.full((2, 2), np.nan), np.ones((2, 2)), 'prediction.*finite'),
    ],
)
def test_invalid_input_is_reported(predicted, true, message):
    with pytest.raises(MetricError, match=message):
        DepthMetric().update(predicted, true)


def test_a_dataset_without_known_depths_is_an_error():
    with pytest.raises(MetricError, match=r'ground truth.*0\.001'):
        score([(np.ones((2, 2)), np.zeros((2, 2)))])
