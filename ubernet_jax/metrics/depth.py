"""Errors of depth maps, pooled over all pixels of the dataset whose true depth is known."""

import dataclasses
from typing import ClassVar

import numpy as np

from ubernet_jax.metrics.metric import (
    Measure,
    Metric,
    MetricError,
    MetricResult,
    Score,
    require_same_size,
)

RATIOS = (1.25, 1.25**2, 1.25**3)
MIN_DEPTH = 1e-3  # metres; predictions are clipped to it from below, so that logarithms are finite


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DepthResult(MetricResult):
    """Differences between predicted and true depths (Eigen et al., arXiv 1406.2283).

    Attributes:
      rmse: root of the mean squared difference, metres.
      mae: mean absolute difference, metres.
      abs_rel: mean absolute difference over the true depth.
      sq_rel: mean squared difference over the true depth, metres.
      rmse_log: root of the mean squared difference of natural logarithms.
      log10: mean absolute difference of logarithms to base 10.
      si_log: standard deviation of the difference of natural logarithms, times 100.
      delta_1: fraction of pixels with max(predicted / true, true / predicted) < 1.25, 0..1.
      delta_2: likewise < 1.25 squared.
      delta_3: likewise < 1.25 cubed.
      pixels: number of pixels that were scored.
    """

    SCORES: ClassVar[tuple[Score, ...]] = (
        Score(name='rmse', label='RMSE', unit='m', lower_is_better=True, main=True),
        Score(name='abs_rel', label='AbsRel', lower_is_better=True),
        Score(name='delta_1', label='delta < 1.25'),
    )

    rmse: float
    mae: float
    abs_rel: float
    sq_rel: float
    rmse_log: float
    log10: float
    si_log: float
    delta_1: float
    delta_2: float
    delta_3: float
    pixels: int


class DepthMetric(Metric):
    """Computes depth errors; constant memory.

    Args:
      valid: lowest and highest true depth of the pixels that count, in metres. The depths of NYUv2
        end at 10; those of street scenes are usually limited to 80.
      median_scaling: first multiply each prediction by the ratio of the true median to the
        predicted median, for networks that do not predict absolute scale.
    """

    def __init__(
        self, *, valid: tuple[float, float] = (0.001, 80.0), median_scaling: bool = False
    ) -> None:
        super().__init__()
        low, high = valid
        if not 0 < low < high:
            raise MetricError(
                f'valid is {valid}: it must be (nearest, farthest), with 0 < nearest < farthest'
            )
        self.valid, self.median_scaling = valid, median_scaling
        self.sums = np.zeros(len(_sums(np.ones(1), np.ones(1))))
        self.pixels = 0

    def measure(self, prediction: np.ndarray, ground_truth: np.ndarray) -> Measure:
        """Sums the errors of one image.

        Args:
          prediction: floating (H, W), metres.
          ground_truth: floating (H, W), metres; 0 or not finite where unknown.
        """
        predicted, true = (
            _check(values, what)
            for values, what in ((prediction, 'prediction'), (ground_truth, 'ground truth'))
        )
        require_same_size(predicted, true)
        known = (true >= self.valid[0]) & (true <= self.valid[1])  # also drops NaN
        predicted, true = predicted[known], true[known]
        if not np.isfinite(predicted).all():
            raise MetricError('the prediction is not finite where the true depth is known')
        if self.median_scaling and true.size:
            predicted = predicted * np.median(true) / max(np.median(predicted), MIN_DEPTH)
        return {
            'sums': _sums(np.maximum(predicted, MIN_DEPTH), true),
            'pixels': np.array(true.size),
        }

    def add(self, measure: Measure) -> None:
        self.sums += measure['sums']
        self.pixels += int(measure['pixels'])
        self.images += 1

    def compute(self) -> DepthResult:
        self._require_images()
        if not self.pixels:
            low, high = self.valid
            raise MetricError(f'no pixel of the ground truth has a depth from {low} to {high} m')
        means = self.sums / self.pixels
        squared, absolute, relative, squared_relative, log, squared_log, log10, *within = means
        return DepthResult(
            rmse=float(np.sqrt(squared)),
            mae=float(absolute),
            abs_rel=float(relative),
            sq_rel=float(squared_relative),
            rmse_log=float(np.sqrt(squared_log)),
            log10=float(log10),
            si_log=float(100 * np.sqrt(max(squared_log - log**2, 0))),
            delta_1=float(within[0]),
            delta_2=float(within[1]),
            delta_3=float(within[2]),
            pixels=self.pixels,
            images=self.images,
            protocol={
                'pixels': 'all valid pixels of all images, pooled',
                'valid': f'true depth {self.valid[0]:g} to {self.valid[1]:g} m',
                'crop': 'none',
                'median_scaling': 'each image' if self.median_scaling else None,
                'predictions_below': f'taken for {MIN_DEPTH:g} m',
            },
        )


def _sums(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Sums the terms of the scores over pixels (n,): float64 (10,), in the order of `compute`."""
    difference = predicted - true
    log = np.log(predicted) - np.log(true)
    ratio = np.maximum(predicted / true, true / predicted)
    terms = (
        difference**2,
        np.abs(difference),
        np.abs(difference) / true,
        difference**2 / true,
        log,
        log**2,
        np.abs(log) / np.log(10),
        *(ratio < limit for limit in RATIOS),
    )
    return np.array([term.sum(dtype=np.float64) for term in terms])


def _check(values: np.ndarray, what: str) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 2 or not np.issubdtype(values.dtype, np.floating):
        raise MetricError(
            f'the {what} has shape {values.shape} and dtype {values.dtype}: it must be a floating '
            'map (H, W) in metres'
        )
    return values.astype(np.float64)
