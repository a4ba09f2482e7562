"""Errors of depth maps, by default pooled over all pixels of the dataset with a known depth."""

import dataclasses
from typing import ClassVar

import numpy as np

from ubernet_jax.metrics.metric import (
    Measure,
    Metric,
    MetricError,
    MetricResult,
    Score,
    describe_groups,
    in_groups,
    require_same_size,
)

RATIOS = (1.25, 1.25**2, 1.25**3)
MIN_DEPTH = 1e-3  # metres; predictions are clipped to it from below
LOG_FLOOR = 1e-9  # metres; keeps logarithms and ratios finite if predictions are not clipped


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
    FURTHER: ClassVar[tuple[Score, ...]] = (
        Score(name='mae', label='MAE', unit='m', lower_is_better=True),
        Score(name='sq_rel', label='SqRel', unit='m', lower_is_better=True),
        Score(name='rmse_log', label='RMSE log', lower_is_better=True),
        Score(name='log10', label='log10', lower_is_better=True),
        Score(name='si_log', label='SILog', lower_is_better=True),
        Score(name='delta_2', label='delta < 1.25^2'),
        Score(name='delta_3', label='delta < 1.25^3'),
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
    """Computes depth errors; stores 11 numbers per image.

    Args:
      valid: lowest and highest true depth of the pixels that count, in metres. The depths of NYUv2
        end at 10; those of street scenes are usually limited to 80.
      median_scaling: first multiply each prediction by the ratio of the true median to the
        predicted median, for networks that do not predict absolute scale.
      unknown: depth in metres that counts where the true depth is unknown; None leaves these pixels
        out.
      clip: lowest and highest predicted depth in metres; others are moved there.
      crop: (first row, end row, first column, end column) of the pixels that count.
      images_per_mean: the scores are means of the scores of so many consecutive images, with their
        pixels pooled; None pools the pixels of all images.
    """

    def __init__(
        self,
        *,
        valid: tuple[float, float] = (0.001, 80.0),
        median_scaling: bool = False,
        unknown: float | None = None,
        clip: tuple[float, float] = (MIN_DEPTH, np.inf),
        crop: tuple[int, int, int, int] | None = None,
        images_per_mean: int | None = None,
    ) -> None:
        super().__init__()
        low, high = valid
        if not 0 < low < high:
            raise MetricError(
                f'valid is {valid}: it must be (nearest, farthest), with 0 < nearest < farthest'
            )
        self.valid, self.median_scaling, self.unknown = valid, median_scaling, unknown
        self.clip, self.crop, self.images_per_mean = clip, crop, images_per_mean
        self.sums: list[np.ndarray] = []  # of each image; the last element is the number of pixels

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
        predicted, true = self._crop(predicted), self._crop(true)
        if self.unknown is not None:
            true = np.where(np.isfinite(true) & (true != 0), true, self.unknown)
        known = (true >= self.valid[0]) & (true <= self.valid[1])  # also drops NaN
        predicted, true = predicted[known], true[known]
        if not np.isfinite(predicted).all():
            raise MetricError('the prediction is not finite where the true depth is known')
        if self.median_scaling and true.size:
            predicted = predicted * np.median(true) / max(np.median(predicted), MIN_DEPTH)
        return {'sums': _sums(np.clip(predicted, *self.clip), true)}

    def add(self, measure: Measure) -> None:
        self.sums.append(measure['sums'])
        self.images += 1

    def image_scores(self) -> tuple[Score, np.ndarray]:
        """Returns the RMSE of each image."""
        (rmse, *_) = DepthResult.SCORES
        squared = [sums[0] / sums[-1] if sums[-1] else np.nan for sums in self.sums]
        return rmse, np.sqrt(squared)

    def compute(self) -> DepthResult:
        self._require_images()
        low, high = self.valid
        sums = [np.sum(group, axis=0) for group in in_groups(self.sums, self.images_per_mean)]
        scores = [_scores(group[:-1] / group[-1]) for group in sums if group[-1]]
        if not scores:
            raise MetricError(f'no pixel of the ground truth has a depth from {low} to {high} m')
        return DepthResult(
            **{name: float(np.mean([score[name] for score in scores])) for name in scores[0]},
            pixels=int(sum(group[-1] for group in sums)),
            images=self.images,
            protocol=self._describe(),
        )

    def _describe(self) -> dict[str, object]:
        low, high = self.valid
        described: dict[str, object] = {
            'pixels': describe_groups(self.images_per_mean, 'valid'),
            'valid': f'true depth {low:g} to {high:g} m',
            'crop': 'rows {}:{}, columns {}:{}'.format(*self.crop) if self.crop else 'none',
            'median_scaling': 'each image' if self.median_scaling else None,
            'predictions_below': f'taken for {self.clip[0]:g} m',
        }
        if self.clip[1] < np.inf:
            described['predictions_above'] = f'taken for {self.clip[1]:g} m'
        if self.unknown is not None:
            described['unknown_depth'] = f'taken for {self.unknown:g} m'
        return described

    def _crop(self, depth: np.ndarray) -> np.ndarray:
        if self.crop is None:
            return depth
        top, bottom, left, right = self.crop
        if depth.shape[0] < bottom or depth.shape[1] < right:
            raise MetricError(
                f'the maps have shape {depth.shape}, smaller than the crop: rows {top}:{bottom}, '
                f'columns {left}:{right}'
            )
        return depth[top:bottom, left:right]


def _sums(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Sums the terms of `_scores` over pixels (n,), and counts the pixels: float64 (11,)."""
    difference = predicted - true
    positive = np.maximum(predicted, LOG_FLOOR)
    log = np.log(positive) - np.log(true)
    ratio = np.maximum(positive / true, true / positive)
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
    return np.array([*(term.sum(dtype=np.float64) for term in terms), true.size])


def _scores(means: np.ndarray) -> dict[str, float]:
    """Computes the scores from the means (10,) of the terms of `_sums`."""
    squared, absolute, relative, squared_relative, log, squared_log, log10, *within = means
    return {
        'rmse': float(np.sqrt(squared)),
        'mae': absolute,
        'abs_rel': relative,
        'sq_rel': squared_relative,
        'rmse_log': float(np.sqrt(squared_log)),
        'log10': log10,
        'si_log': float(100 * np.sqrt(max(squared_log - log**2, 0))),
        'delta_1': within[0],
        'delta_2': within[1],
        'delta_3': within[2],
    }


def _check(values: np.ndarray, what: str) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 2 or not np.issubdtype(values.dtype, np.floating):
        raise MetricError(
            f'the {what} has shape {values.shape} and dtype {values.dtype}: it must be a floating '
            'map (H, W) in metres'
        )
    return values.astype(np.float64)
