"""Maximal F-measure and mean absolute error of saliency maps."""

import dataclasses
from typing import ClassVar, Literal

import numpy as np

from ubernet_jax.metrics.metric import (
    Measure,
    Metric,
    MetricError,
    MetricResult,
    Score,
    require_same_size,
    unit_interval,
)

BETA_SQUARED = 0.3  # weight of recall, the convention since Achanta et al. 2009
NUM_THRESHOLDS = 256
IOU_THRESHOLDS = np.linspace(0.2, 0.9, 15)  # for mIoU, as multi-task papers use them


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SaliencyResult(MetricResult):
    """Scores of saliency maps, all 0..1.

    Attributes:
      max_f: maximum over thresholds of F(mean precision, mean recall).
      max_f_per_image: maximum over thresholds of the mean over images of F.
      mae: mean over images of the mean absolute error.
      miou_15: maximum over 15 thresholds of the mean over images of intersection over union.
      precision: float64 (256,), mean over images at each threshold, ascending thresholds.
      recall: float64 (256,), likewise.
    """

    SCORES: ClassVar[tuple[Score, ...]] = (
        Score(name='max_f', label='max F', main=True),
        Score(name='mae', label='MAE', lower_is_better=True),
    )

    max_f: float
    max_f_per_image: float
    mae: float
    miou_15: float
    precision: np.ndarray
    recall: np.ndarray


class SaliencyMetric(Metric):
    """Computes saliency scores; constant memory.

    Args:
      normalise: first stretch each prediction to 0..1, as some toolboxes do (`pysodmetrics`).
    """

    def __init__(self, *, normalise: bool = False) -> None:
        super().__init__()
        self.normalise = normalise
        self.precision = np.zeros(NUM_THRESHOLDS)
        self.recall = np.zeros(NUM_THRESHOLDS)
        self.f_measure = np.zeros(NUM_THRESHOLDS)
        self.iou = np.zeros(len(IOU_THRESHOLDS))
        self.absolute_error = 0.0
        self.brightest = 0  # of the ground truth of all images, 0..255

    def measure(self, prediction: np.ndarray, ground_truth: np.ndarray) -> Measure:
        """Scores one image at every threshold.

        Args:
          prediction: (H, W), uint8 0..255 or floating 0..1.
          ground_truth: (H, W), bool, uint8 0..255 or floating 0..1; values above 0.5 (after
            scaling to 0..1) are salient.
        """
        ground_truth = np.asarray(ground_truth)
        in_bytes = ground_truth.dtype == np.uint8
        predicted = unit_interval(prediction, 'prediction')
        salient = unit_interval(ground_truth, 'ground truth') > 0.5
        require_same_size(predicted, salient)
        if self.normalise and predicted.max() > predicted.min():
            predicted = (predicted - predicted.min()) / (predicted.max() - predicted.min())

        # Thresholds have the dtype of the prediction, so that k / 255 from a file is >= k / 255.
        thresholds = np.arange(NUM_THRESHOLDS, dtype=predicted.dtype) / (NUM_THRESHOLDS - 1)
        above, hits = _counts_above(predicted, salient, thresholds, 'right')
        positives = np.count_nonzero(salient)
        precision = hits / np.maximum(above, 1)
        recall = hits / max(positives, 1)
        above, hits = _counts_above(predicted, salient, IOU_THRESHOLDS, 'left')
        union = above + positives - hits
        return {
            'precision': precision,
            'recall': recall,
            'f_measure': _f_measure(precision, recall),
            'iou': np.where(union > 0, hits / np.maximum(union, 1), 1.0),
            'absolute_error': np.abs(predicted - salient).mean(dtype=np.float64),
            'brightest': np.array(ground_truth.max() if in_bytes else 255),
        }

    def add(self, measure: Measure) -> None:
        self.precision += measure['precision']
        self.recall += measure['recall']
        self.f_measure += measure['f_measure']
        self.iou += measure['iou']
        self.absolute_error += float(measure['absolute_error'])
        self.brightest = max(self.brightest, int(measure['brightest']))
        self.images += 1

    def compute(self) -> SaliencyResult:
        self._require_images()
        if self.brightest == 1:  # of all images: a single mask may be almost black
            raise MetricError(
                'the ground truth of all images is uint8 with no value above 1: it must be bool, '
                'or uint8 0..255'
            )
        precision, recall = self.precision / self.images, self.recall / self.images
        return SaliencyResult(
            max_f=float(_f_measure(precision, recall).max()),
            max_f_per_image=float(self.f_measure.max() / self.images),
            mae=self.absolute_error / self.images,
            miou_15=float(self.iou.max() / self.images),
            precision=precision,
            recall=recall,
            images=self.images,
            protocol={
                'beta_squared': BETA_SQUARED,
                'thresholds': 'prediction >= k / 255, k = 0..255',
                'ground_truth': 'salient above 0.5',
                'normalise': 'minimum to 0 and maximum to 1, each image'
                if self.normalise
                else None,
                'miou_15': 'prediction > t, t = 0.2, 0.25 .. 0.9',
                'image_without_salient_pixel': 'precision, recall and F are 0',
            },
        )


def _counts_above(
    predicted: np.ndarray,
    salient: np.ndarray,
    thresholds: np.ndarray,
    side: Literal['left', 'right'],
) -> tuple[np.ndarray, np.ndarray]:
    """Counts all pixels and the salient pixels at or above each threshold.

    Args:
      predicted: floating (H, W).
      salient: bool (H, W).
      thresholds: floating (T,), ascending.
      side: 'right' counts pixels at or above a threshold, 'left' those above it.

    Returns:
      Numbers of pixels and of salient pixels, int64 (T,) each.
    """
    passed = np.searchsorted(thresholds, predicted.ravel(), side)  # number of thresholds, 0..T
    bins = len(thresholds) + 1
    pixels = np.bincount(passed, minlength=bins)
    salient_pixels = np.bincount(passed[salient.ravel()], minlength=bins)
    return pixels[::-1].cumsum()[-2::-1], salient_pixels[::-1].cumsum()[-2::-1]


def _f_measure(precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
    denominator = BETA_SQUARED * precision + recall
    numerator = (1 + BETA_SQUARED) * precision * recall
    return numerator / np.where(denominator > 0, denominator, 1)
