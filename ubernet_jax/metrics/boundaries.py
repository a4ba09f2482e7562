"""The boundary benchmark of BSDS500 (Arbelaez et al., TPAMI 2011): ODS, OIS, AP and R50."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from ubernet_jax.metrics.boundary_counts import count_matches, thinned_maps
from ubernet_jax.metrics.image_scores import IMAGE_F
from ubernet_jax.metrics.metric import (
    Measure,
    Metric,
    MetricError,
    MetricResult,
    Score,
    unit_interval,
)
from ubernet_jax.metrics.nms import Nms, suppress
from ubernet_jax.metrics.precision_recall import (
    average_precision,
    f_of_images,
    optimal_dataset_scale,
    optimal_image_scale,
    recall_and_precision,
    recall_at_half_precision,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryResult(MetricResult):
    """Scores of boundary maps, all 0..1.

    Attributes:
      ods: optimal dataset scale, the best F-measure with one threshold for the entire dataset.
      ois: optimal image scale, the F-measure with the best threshold for each image.
      ap: average precision.
      r50: recall at precision 0.5.
      ods_recall: recall at the threshold of `ods`.
      ods_precision: precision at the threshold of `ods`.
      ods_threshold: threshold of `ods`.
      ois_recall: recall of `ois`.
      ois_precision: precision of `ois`.
      thresholds: float64 (K,), ascending.
      recall: float64 (K,), of the entire dataset at each threshold.
      precision: float64 (K,), likewise.
    """

    SCORES: ClassVar[tuple[Score, ...]] = (
        Score(name='ods', label='ODS', main=True),
        Score(name='ois', label='OIS'),
        Score(name='ap', label='AP'),
    )

    ods: float
    ois: float
    ap: float
    r50: float
    ods_recall: float
    ods_precision: float
    ods_threshold: float
    ois_recall: float
    ois_precision: float
    thresholds: np.ndarray
    recall: np.ndarray
    precision: np.ndarray


class BoundaryProtocol(NamedTuple):
    """How a benchmark matches boundaries.

    Attributes:
      max_distance: matching tolerance as a fraction of the image diagonal.
      nms: the non-maximum suppression of soft maps.
    """

    max_distance: float
    nms: Nms


PROTOCOLS = {
    # Arbelaez et al., PAMI 2011, with the smoothing of HED and RCF.
    'bsds500': BoundaryProtocol(0.0075, Nms.SMOOTHED),
    # NYUD as multi-task papers score it: the seism tool, which does not smooth.
    'nyud_mt': BoundaryProtocol(0.011, Nms.UNSMOOTHED),
}


class BoundaryMetric(Metric):
    """Scores soft boundary maps against several annotators; stores 4 K numbers per image.

    Args:
      thresholds: number of thresholds, K: 99 for reports, 9 to 25 during training (with few
        thresholds AP is the first score to become inaccurate); or the thresholds, ascending.
      max_distance: matching tolerance as a fraction of the image diagonal: 0.0075 (BSDS500),
        0.011 (NYUD).
      nms: the non-maximum suppression applied to every map before scoring.
      strict: keep what is above a threshold, of values that are not rounded to 8 bits, in place of
        rounded values at or above it.
      interpolate: look for the best F between neighbouring thresholds too.
    """

    def __init__(
        self,
        *,
        thresholds: int | Sequence[float] = 99,
        max_distance: float = 0.0075,
        nms: Nms = Nms.NONE,
        strict: bool = False,
        interpolate: bool = True,
    ) -> None:
        super().__init__()
        if isinstance(thresholds, int):
            thresholds = boundary_thresholds(thresholds).tolist()
        self.thresholds = np.array(thresholds)
        self.max_distance = require_tolerance(max_distance)
        self.nms, self.strict, self.interpolate = nms, strict, interpolate
        self.counts: list[np.ndarray] = []

    def measure(self, prediction: np.ndarray, ground_truth: np.ndarray) -> Measure:
        """Counts the matched pixels of one image.

        Args:
          prediction: (H, W), uint8 0..255 or floating 0..1.
          ground_truth: bool or 0/1; (A, H, W) with one thin map per annotator, or (H, W).
        """
        ground_truth = np.asarray(ground_truth)
        annotators = ground_truth[None] if ground_truth.ndim == 2 else ground_truth
        strength = unit_interval(prediction, 'prediction')
        if annotators.ndim != 3 or not len(annotators) or annotators.shape[1:] != strength.shape:
            raise MetricError(
                f'the prediction has shape {strength.shape}, the ground truth '
                f'{ground_truth.shape}: they must be (H, W) and (annotators, H, W)'
            )
        if not np.isin(annotators, (0, 1)).all():
            raise MetricError('the ground truth contains values other than 0 and 1')
        maps = thinned_maps(suppress(strength, self.nms), self.thresholds, strict=self.strict)
        counts = count_matches(maps, annotators != 0, self.max_distance)
        return {'counts': counts}

    def add(self, measure: Measure) -> None:
        self.counts.append(measure['counts'])
        self.images += 1

    def notes(self, measure: Measure) -> list[str]:
        truth, predicted = measure['counts'].max(0)[[1, 3]]
        notes = []
        if not predicted:
            notes.append('the prediction is empty: no pixel reaches the lowest threshold')
        if not truth:
            notes.append('the ground truth has no boundary: predictions only reduce precision')
        return notes

    def image_scores(self) -> tuple[Score, np.ndarray]:
        """Returns F of each image, at the threshold best for the dataset."""
        return IMAGE_F, f_of_images(np.stack(self.counts))

    def compute(self) -> BoundaryResult:
        self._require_images()
        counts = np.stack(self.counts)
        total = counts.sum(0)
        recall, precision = recall_and_precision(total)
        ods = optimal_dataset_scale(total, self.thresholds, interpolate=self.interpolate)
        ois = optimal_image_scale(counts)
        return BoundaryResult(
            ods=ods.f,
            ois=ois.f,
            ap=average_precision(total),
            r50=recall_at_half_precision(total),
            ods_recall=ods.recall,
            ods_precision=ods.precision,
            ods_threshold=ods.threshold,
            ois_recall=ois.recall,
            ois_precision=ois.precision,
            thresholds=self.thresholds,
            recall=recall,
            precision=precision,
            images=self.images,
            protocol=boundary_protocol(
                self.thresholds,
                self.max_distance,
                self.nms,
                strict=self.strict,
                interpolate=self.interpolate,
            ),
        )


def boundary_thresholds(count: int) -> np.ndarray:
    """Returns `count` thresholds spaced evenly between 0 and 1, without 0 and 1 themselves."""
    if count < 2:
        raise MetricError(f'thresholds is {count}: it must be at least 2')
    return np.linspace(1 / (count + 1), 1 - 1 / (count + 1), count)


def require_tolerance(max_distance: float) -> float:
    """Returns the tolerance; raises MetricError unless it is a fraction of the diagonal."""
    if not 0 < max_distance < 1:
        raise MetricError(
            f'max_distance is {max_distance}: it must be a fraction of the image diagonal, above '
            '0 and below 1, such as 0.0075'
        )
    return max_distance


def boundary_protocol(
    thresholds: np.ndarray,
    max_distance: float,
    nms: Nms,
    *,
    strict: bool = False,
    interpolate: bool = True,
) -> dict[str, str]:
    """Returns the part of the protocol that all boundary metrics share."""
    return {
        'thresholds': f'{len(thresholds)}, {thresholds[0]:.4g} to {thresholds[-1]:.4g}',
        'max_distance': f'{max_distance} of the diagonal',
        'nms': nms.value,
        'prediction': 'above each threshold; thinned'
        if strict
        else '8 bits; thinned at each threshold',
        'matching': 'one to one, most pairs, then least distance',
        'ap': '101 recalls, precision 0 outside the curve',
    } | ({} if interpolate else {'ods': 'best F, not interpolated between thresholds'})
