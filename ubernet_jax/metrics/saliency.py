"""Maximal F-measure and mean absolute error of saliency maps."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ubernet_jax.metrics.image_scores import IMAGE_F
from ubernet_jax.metrics.metric import (
    Measure,
    Metric,
    MetricError,
    MetricResult,
    Score,
    require_same_size,
    unit_interval,
)

LEVELS = tuple((np.arange(256) / 255).tolist())  # thresholds at the values of 8 bits
FIFTEEN = tuple((np.arange(20, 95, 5) / 100).tolist())  # for mIoU, as multi-task papers use them


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FDefinition:
    """What precision, recall and F of saliency maps are.

    Attributes:
      beta_squared: weight of precision in F; 0.3 is the convention since Achanta et al. 2009.
      thresholds: ascending, 0..1.
      inclusive: whether a prediction equal to a threshold passes it.
      pool_pixels: count the pixels of all images together, in place of the mean precision and the
        mean recall of the images.
      sigmoid: apply the logistic function to the predicted probabilities first, so that they are
        between 0.5 and 0.73.
    """

    beta_squared: float = 0.3
    thresholds: tuple[float, ...] = LEVELS
    inclusive: bool = True
    pool_pixels: bool = False
    sigmoid: bool = False

    def f_measure(self, precision: np.ndarray, recall: np.ndarray) -> np.ndarray:
        """Computes F; 0 where precision and recall are."""
        denominator = self.beta_squared * precision + recall
        numerator = (1 + self.beta_squared) * precision * recall
        return numerator / np.where(denominator > 0, denominator, 1)

    def describe(self) -> dict[str, object]:
        """Describes the definition for a protocol; further entries say what is not the default."""
        values = f't, {len(self.thresholds)} from {self.thresholds[0]:g} to {self.thresholds[-1]:g}'
        if self.thresholds == LEVELS:
            values = 'k / 255, k = 0..255'
        described: dict[str, object] = {
            'beta_squared': self.beta_squared,
            'thresholds': f'prediction {">=" if self.inclusive else ">"} {values}',
        }
        if self.pool_pixels:
            described['precision_and_recall'] = 'of the pixels of all images'
        if self.sigmoid:
            described['sigmoid'] = 'applied to the predictions'
        return described


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SaliencyResult(MetricResult):
    """Scores of saliency maps, all 0..1.

    Attributes:
      max_f: maximum over thresholds of F(precision, recall), as the definition has them.
      max_f_per_image: maximum over thresholds of the mean over images of F.
      mae: mean over images of the mean absolute error.
      miou_15: maximum over 15 thresholds of the mean over images of intersection over union.
      precision: float64 (T,), at each threshold, ascending thresholds.
      recall: float64 (T,), likewise.
    """

    SCORES: ClassVar[tuple[Score, ...]] = (
        Score(name='max_f', label='max F', main=True),
        Score(name='mae', label='MAE', lower_is_better=True),
    )
    FURTHER: ClassVar[tuple[Score, ...]] = (Score(name='miou_15', label='max mIoU'),)

    max_f: float
    max_f_per_image: float
    mae: float
    miou_15: float
    precision: np.ndarray
    recall: np.ndarray


class SaliencyMetric(Metric):
    """Computes saliency scores; stores T numbers per image, for T thresholds.

    Args:
      normalise: first stretch each prediction to 0..1, as some toolboxes do (`pysodmetrics`).
      definition: of precision, recall and F.
    """

    def __init__(self, *, normalise: bool = False, definition: FDefinition | None = None) -> None:
        super().__init__()
        self.normalise = normalise
        self.definition = definition or FDefinition()
        count = len(self.definition.thresholds)
        self.pixels = np.zeros((3, count), np.int64)  # correct, predicted and salient
        self.precision, self.recall = np.zeros(count), np.zeros(count)
        self.f_measures: list[np.ndarray] = []  # of each image, float64 (T,)
        self.iou = np.zeros(len(FIFTEEN))
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

        squashed = 1 / (1 + np.exp(-predicted)) if self.definition.sigmoid else predicted
        above, hits = _counts_above(
            squashed, salient, self.definition.thresholds, inclusive=self.definition.inclusive
        )
        positives = np.count_nonzero(salient)
        counts = np.stack([hits, above, np.full_like(above, positives)])
        above, hits = _counts_above(predicted, salient, FIFTEEN, inclusive=False)
        union = above + positives - hits
        return {
            'counts': counts,
            'iou': np.where(union > 0, hits / np.maximum(union, 1), 1.0),
            'absolute_error': np.abs(predicted - salient).mean(dtype=np.float64),
            'brightest': np.array(ground_truth.max() if in_bytes else 255),
        }

    def add(self, measure: Measure) -> None:
        precision, recall = _precision_and_recall(measure['counts'])
        self.pixels += measure['counts']
        self.precision += precision
        self.recall += recall
        self.f_measures.append(self.definition.f_measure(precision, recall))
        self.iou += measure['iou']
        self.absolute_error += float(measure['absolute_error'])
        self.brightest = max(self.brightest, int(measure['brightest']))
        self.images += 1

    def image_scores(self) -> tuple[Score, np.ndarray]:
        """Returns F of each image, at the threshold of `max_f`."""
        best = self.definition.f_measure(*self._dataset_curve()).argmax()
        return IMAGE_F, np.stack(self.f_measures)[:, best]

    def compute(self) -> SaliencyResult:
        self._require_images()
        if self.brightest == 1:  # of all images: a single mask may be almost black
            raise MetricError(
                'the ground truth of all images is uint8 with no value above 1: it must be bool, '
                'or uint8 0..255'
            )
        precision, recall = self._dataset_curve()
        return SaliencyResult(
            max_f=float(self.definition.f_measure(precision, recall).max()),
            max_f_per_image=float(np.mean(self.f_measures, axis=0).max()),
            mae=self.absolute_error / self.images,
            miou_15=float(self.iou.max() / self.images),
            precision=precision,
            recall=recall,
            images=self.images,
            protocol={
                **self.definition.describe(),
                'ground_truth': 'salient above 0.5',
                'normalise': 'minimum to 0 and maximum to 1, each image'
                if self.normalise
                else None,
                'miou_15': 'prediction > t, t = 0.2, 0.25 .. 0.9',
                'image_without_salient_pixel': 'precision, recall and F are 0',
            },
        )

    def _dataset_curve(self) -> tuple[np.ndarray, np.ndarray]:
        """Precision and recall of the dataset at each threshold."""
        if self.definition.pool_pixels:
            return _precision_and_recall(self.pixels)
        return self.precision / self.images, self.recall / self.images


def _counts_above(
    predicted: np.ndarray, salient: np.ndarray, thresholds: Sequence[float], *, inclusive: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Counts all pixels and the salient pixels that pass each threshold.

    Args:
      predicted: floating (H, W).
      salient: bool (H, W).
      thresholds: T, ascending.
      inclusive: whether a pixel equal to a threshold passes it.

    Returns:
      Numbers of pixels and of salient pixels, int64 (T,) each.
    """
    # Thresholds have the dtype of the prediction, so that k / 255 from a file equals k / 255.
    rounded = np.array(thresholds, predicted.dtype)
    side = 'right' if inclusive else 'left'
    passed = np.searchsorted(rounded, predicted.ravel(), side)  # number of thresholds, 0..T
    bins = len(thresholds) + 1
    pixels = np.bincount(passed, minlength=bins)
    salient_pixels = np.bincount(passed[salient.ravel()], minlength=bins)
    return pixels[::-1].cumsum()[-2::-1], salient_pixels[::-1].cumsum()[-2::-1]


def _precision_and_recall(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Divides counts (3, T) of correct by those of predicted and of salient pixels; 0 for none."""
    correct, predicted, salient = counts
    return correct / np.maximum(predicted, 1), correct / np.maximum(salient, 1)
