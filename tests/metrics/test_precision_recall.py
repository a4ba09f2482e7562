"""ODS, OIS, AP and R50 of small precision-recall curves."""

import numpy as np
import pytest

from ubernet_jax.metrics.precision_recall import (
    average_precision,
    optimal_dataset_scale,
    optimal_image_scale,
    recall_and_precision,
    recall_at_half_precision,
)


def counts_of(recall, precision) -> np.ndarray:
    """Returns counts with 1000 truth and 1000 predicted pixels at each threshold."""
    thousand = np.full(len(recall), 1000)
    columns = [np.rint(1000 * np.array(recall)), thousand]
    columns += [np.rint(1000 * np.array(precision)), thousand]
    return np.stack(columns, -1).astype(np.int64)


def test_ods_is_interpolated_between_thresholds():
    counts = counts_of([0.9, 0.1], [0.2, 0.8])
    best = optimal_dataset_scale(counts, np.array([0.2, 0.6]))
    steps = np.linspace(0, 1, 100)
    recall, precision = 0.9 - 0.8 * steps, 0.2 + 0.6 * steps
    f = 2 * recall * precision / (recall + precision)
    assert best.f == pytest.approx(f.max())
    assert best.threshold == pytest.approx(0.2 + 0.4 * steps[f.argmax()])
    assert best.f > 2 * 0.9 * 0.2 / 1.1  # the larger F of the two thresholds


def test_ois_takes_the_best_threshold_of_each_image():
    first, second = counts_of([0.8, 0.1], [0.8, 0.1]), counts_of([0.2, 0.4], [0.2, 0.6])
    best = optimal_image_scale(np.stack([first, second]))
    assert best.recall == pytest.approx((0.8 + 0.4) / 2)
    assert best.precision == pytest.approx((0.8 + 0.6) / 2)
    assert best.f == pytest.approx(2 * 0.6 * 0.7 / 1.3)


def test_average_precision_is_the_area_under_the_curve_between_its_ends():
    # Precision 1 from recall .2 to .6: 41 of the 101 levels.
    assert average_precision(counts_of([0.6, 0.2], [1, 1])) == pytest.approx(0.41)
    # Linear from 1 at recall 0 to 0 at recall 1.
    assert average_precision(counts_of([1, 0], [0, 1])) == pytest.approx(0.505)
    assert average_precision(counts_of([0.5, 0.5], [1, 1])) == 0  # a single point is not a curve


def test_recall_at_half_precision():
    assert recall_at_half_precision(counts_of([0.9, 0.5], [0.25, 0.75])) == pytest.approx(0.7)
    assert recall_at_half_precision(counts_of([0.9, 0.5], [0.6, 0.75])) == pytest.approx(0.9)
    assert recall_at_half_precision(counts_of([0.9, 0.5], [0.2, 0.4])) == 0


def test_scores_without_any_pixels_are_zero():
    recall, precision = recall_and_precision(np.zeros((3, 4), np.int64))
    assert not recall.any() and not precision.any()
    assert optimal_dataset_scale(np.zeros((3, 4), np.int64), np.array([0.1, 0.5, 0.9])).f == 0
