"""From counts at each threshold to ODS, OIS, AP and R50, as the BSDS500 benchmark does it.

Counts are int64 (..., K, 4), K thresholds in rising order, the last axis in this order: matched
and all ground-truth pixels (summed over annotators), matched and all predicted pixels.
"""

import dataclasses

import numpy as np

INTERPOLATION_STEPS = 100  # between neighbouring thresholds
RECALL_LEVELS = np.arange(101) / 100


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point of a precision-recall curve; all 0..1."""

    f: float
    recall: float
    precision: float
    threshold: float


def recall_and_precision(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision, float64 (..., K); 0 where nothing is there to be found or predicted."""
    matched_truth, truth, matched_predicted, predicted = np.moveaxis(counts, -1, 0)
    return matched_truth / np.maximum(truth, 1), matched_predicted / np.maximum(predicted, 1)


def f_measure(recall: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """The harmonic mean; 0 where both are 0."""
    total = recall + precision
    return 2 * recall * precision / np.where(total > 0, total, 1)


def best_at_one_threshold(counts: np.ndarray, thresholds: np.ndarray) -> Point:
    """ODS: the best F of the counts (K, 4), interpolated between neighbouring thresholds."""
    recall, precision = recall_and_precision(counts)
    knots = np.arange(len(thresholds))
    steps = (len(thresholds) - 1) * (INTERPOLATION_STEPS - 1) + 1
    fine = np.linspace(0, len(thresholds) - 1, steps)
    recall, precision = np.interp(fine, knots, recall), np.interp(fine, knots, precision)
    f = f_measure(recall, precision)
    best = int(f.argmax())
    return Point(
        f=float(f[best]),
        recall=float(recall[best]),
        precision=float(precision[best]),
        threshold=float(np.interp(fine[best], knots, thresholds)),
    )


def best_at_own_thresholds(counts: np.ndarray) -> Point:
    """OIS: each image of counts (N, K, 4) at the threshold that suits it best; threshold NaN."""
    best = f_measure(*recall_and_precision(counts)).argmax(-1)
    total = counts[np.arange(len(counts)), best].sum(0)
    recall, precision = recall_and_precision(total)
    return Point(
        f=float(f_measure(recall, precision)),
        recall=float(recall),
        precision=float(precision),
        threshold=float('nan'),
    )


def average_precision(counts: np.ndarray) -> float:
    """AP of the counts (K, 4): precision summed over 101 recalls, over 100; 0 off the curve."""
    recall, precision = recall_and_precision(counts)
    recall, first = np.unique(recall, return_index=True)
    if len(recall) < 2:
        return 0.0
    levels = np.interp(RECALL_LEVELS, recall, precision[first], left=0, right=0)
    return float(levels.sum() / 100)


def recall_at_half_precision(counts: np.ndarray) -> float:
    """R50 of the counts (K, 4); if precision stays above one half, the recall at its least."""
    recall, precision = recall_and_precision(counts)
    precision, first = np.unique(precision, return_index=True)
    if len(precision) < 2:
        return 0.0
    return float(np.interp(max(precision[0], 0.5), precision, recall[first], right=0))
