"""Mean intersection over union, from a confusion matrix of the entire dataset."""

import dataclasses
import enum
from collections.abc import Mapping, Sequence
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

VOID = 255


class Absent(enum.Enum):
    """How a class that is neither in the ground truth nor predicted enters the mean."""

    LEFT_OUT = 'left out'
    ZERO = '0'
    UNDEFINED = 'makes the mean undefined'


_ABSENT = {
    Absent.LEFT_OUT: 'null, and not in the mean: neither true nor predicted',
    Absent.ZERO: 'null, and 0 in the mean: neither true nor predicted',
    Absent.UNDEFINED: 'null, and so is the mean: neither true nor predicted',
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationResult(MetricResult):
    """Scores of semantic segmentation or part segmentation.

    Attributes:
      miou: mean of `per_class` over the classes, 0..1; NaN if it is undefined.
      pixel_accuracy: share of the labelled pixels whose class is predicted, 0..1.
      per_class: class name -> TP / (TP + FP + FN); NaN for a class that does not occur in the
        ground truth or the predictions.
      confusion: int64 (C, C), number of pixels by true class (row) and predicted class (column).
    """

    SCORES: ClassVar[tuple[Score, ...]] = (Score(name='miou', label='mIoU', main=True),)
    FURTHER: ClassVar[tuple[Score, ...]] = (Score(name='pixel_accuracy', label='pixel accuracy'),)

    miou: float
    pixel_accuracy: float
    per_class: Mapping[str, float]
    confusion: np.ndarray


class SegmentationMetric(Metric):
    """Computes the mIoU of class maps; stores C x C numbers, and a number per image.

    Args:
      num_classes: C; background, if present, is a class like the others.
      class_names: a name for each class, for `per_class`; default '0', '1', ...
      absent: how classes that do not occur enter the mean.
      skip_background_only: leave out images with nothing but class 0 and void.
    """

    def __init__(
        self,
        num_classes: int,
        class_names: Sequence[str] | None = None,
        *,
        absent: Absent = Absent.LEFT_OUT,
        skip_background_only: bool = False,
    ) -> None:
        super().__init__()
        if not 1 <= num_classes <= VOID:
            raise MetricError(f'num_classes is {num_classes}: allowed are 1 to {VOID}')
        self.class_names = tuple(class_names or map(str, range(num_classes)))
        if len(self.class_names) != num_classes:
            raise MetricError(
                f'class_names has {len(self.class_names)} names for {num_classes} classes'
            )
        self.num_classes = num_classes
        self.absent, self.skip_background_only = absent, skip_background_only
        self.confusion = np.zeros((num_classes, num_classes), np.int64)
        self.image_miou: list[float] = []

    def measure(self, prediction: np.ndarray, ground_truth: np.ndarray) -> Measure:
        """Computes the confusion matrix of one image.

        Args:
          prediction: integer (H, W), class index 0..C-1; ignored where the ground truth is void.
          ground_truth: integer (H, W), class index 0..C-1 or 255 (void).
        """
        prediction, ground_truth = np.asarray(prediction), np.asarray(ground_truth)
        for what, labels in (('prediction', prediction), ('ground truth', ground_truth)):
            if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
                raise MetricError(
                    f'the {what} has shape {labels.shape} and dtype {labels.dtype}: '
                    'it must be a map (H, W) of integer class indices'
                )
        require_same_size(prediction, ground_truth)
        valid = ground_truth != VOID
        if self.skip_background_only and not ground_truth[valid].any():
            valid = np.zeros_like(valid)
        true = self._indices(ground_truth[valid], 'ground truth', f', and {VOID} for void')
        predicted = self._indices(prediction[valid], 'prediction', '')
        cells = np.bincount(true * self.num_classes + predicted, minlength=self.num_classes**2)
        return {'confusion': cells.reshape(self.num_classes, self.num_classes)}

    def add(self, measure: Measure) -> None:
        self.confusion += measure['confusion']
        iou = _iou(measure['confusion'])
        occurs = ~np.isnan(iou)
        self.image_miou.append(float(iou[occurs].mean()) if occurs.any() else np.nan)
        self.images += 1

    def image_scores(self) -> tuple[Score, np.ndarray]:
        """Returns the mean over the classes that are true or predicted in the image of their IoU.

        It is undefined for an image without a labelled pixel.
        """
        (miou, *_) = SegmentationResult.SCORES
        return miou, np.array(self.image_miou)

    def compute(self) -> SegmentationResult:
        self._require_images()
        iou = _iou(self.confusion)
        occurs = ~np.isnan(iou)
        counted = iou[occurs] if self.absent is Absent.LEFT_OUT else iou
        if self.absent is Absent.ZERO:
            counted = np.nan_to_num(iou)
        return SegmentationResult(
            miou=float(counted.mean()) if occurs.any() else float('nan'),
            pixel_accuracy=float(np.trace(self.confusion) / max(self.confusion.sum(), 1)),
            per_class=dict(zip(self.class_names, iou.tolist(), strict=True)),
            confusion=self.confusion.copy(),
            images=self.images,
            protocol={
                'score': 'TP / (TP + FP + FN) from one confusion matrix over the whole set',
                'void': VOID,
                'classes': self.num_classes,
                'absent_classes': _ABSENT[self.absent],
            }
            | ({'background_only': 'left out'} if self.skip_background_only else {}),
        )

    def _indices(self, labels: np.ndarray, what: str, suffix: str) -> np.ndarray:
        if labels.size and not 0 <= labels.min() <= labels.max() < self.num_classes:
            wrong = labels[(labels < 0) | (labels >= self.num_classes)][0]
            raise MetricError(
                f'the {what} contains class index {wrong}: '
                f'allowed are 0 to {self.num_classes - 1}{suffix}'
            )
        return labels.astype(np.int64)


def _iou(confusion: np.ndarray) -> np.ndarray:
    """Computes intersection over union, float64 (C,); NaN for classes that do not occur."""
    correct = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - correct
    return np.where(union > 0, correct / np.maximum(union, 1), np.nan)
