"""Computes ODS, OIS, AP and R50 from counts at each threshold, as the BSDS500 benchmark does.

Counts are int64 (..., K, 4) for K thresholds in ascending order. The last axis has the numbers of
matched ground-truth pixels, all ground-truth pixels (both summed over annotators), matched
predicted pixels, and all predicted pixels.
"""

import dataclasses

import numpy as np

INTERPOLATION_STEPS = 100  # between neighbouring thresholds, as BSDS500 does
RECALL_LEVELS = np.arange(101) / 100


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point of a precision-recall curve; all values are 0..1."""

    f: float
    recall: float
    precision: float
    threshold: float


def recall_and_precision(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Computes recall and precision, float64 (..., K); 0 where their denominator is 0."""
    matched_truth, truth, matched_predicted, predicted = np.moveaxis(counts, -1, 0)
    return matched_truth / np.maximum(truth, 1), matched_predicted / np.maximum(predicted, 1)


def f_measure(recall: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """Computes the harmonic mean of recall and precision; 0 where both are 0."""
    total = recall + precision
    return 2 * recall * precision / np.where(total > 0, total, 1)


def optimal_dataset_scale(
    counts: np.ndarray, thresholds: np.ndarray, *, interpolate: bool = True
) -> Point:
    """Computes ODS: the best F of counts (K, 4), and of points between the thresholds."""
    recall, precision = recall_and_precision(counts)
    knots = np.arange(len(thresholds))
    steps = (len(thresholds) - 1) * (INTERPOLATION_STEPS - 1 if interpolate else 1) + 1
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


def f_of_images(counts: np.ndarray) -> np.ndarray:
    """Computes F of each image of counts (N, K, 4), (N,), at the threshold best for all of them.

    It is the one of the K thresholds at which F of the entire dataset is largest.
    """
    best = f_measure(*recall_and_precision(counts.sum(0))).argmax()
    return f_measure(*recall_and_precision(counts[:, best]))


def optimal_image_scale(counts: np.ndarray) -> Point:
    """Computes OIS: the F with each image of counts (N, K, 4) at its best threshold.

    The threshold of the returned point is NaN.
    """
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
    """Computes AP of counts (K, 4): the sum of precision at 101 recalls, divided by 100.

    Precision is interpolated along the curve, and 0 at recalls outside of it.
    """
    recall, precision = recall_and_precision(counts)
    recall, first = np.unique(recall, return_index=True)
    if len(recall) < 2:
        return 0.0
    levels = np.interp(RECALL_LEVELS, recall, precision[first], left=0, right=0)
    return float(levels.sum() / 100)


def recall_at_half_precision(counts: np.ndarray) -> float:
    """Computes R50 of counts (K, 4): the recall at precision 0.5.

    If precision is above 0.5 everywhere, this is the recall at the lowest precision.
    """
    recall, precision = recall_and_precision(counts)
    precision, first = np.unique(precision, return_index=True)
    if len(precision) < 2:
        return 0.0
    return float(np.interp(max(precision[0], 0.5), precision, recall[first], right=0))
