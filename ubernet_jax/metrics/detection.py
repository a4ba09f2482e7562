"""Average precision of detections as PASCAL VOC defines it (Everingham et al., IJCV 2010)."""

import dataclasses
import enum
from collections.abc import Mapping, Sequence

import numpy as np

from ubernet_jax.metrics.boxes import (
    Objects,
    ScoredBoxes,
    check_boxes,
    check_classes,
    check_scores,
    intersection_over_union,
)
from ubernet_jax.metrics.metric import Measure, Metric, MetricError, MetricResult, Score

MIN_OVERLAP = 0.5  # exclusive


class ApMode(enum.Enum):
    """How a precision-recall curve becomes one number."""

    VOC07 = 'VOC07'  # mean of the best precision at recall >= 0, .1, .. 1
    VOC10 = 'VOC10'  # area under the monotone envelope


class Outcome(enum.IntEnum):
    """What a detection counts as."""

    WRONG = 0
    RIGHT = 1
    NOTHING = 2  # it found a difficult object


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DetectionResult(MetricResult):
    """Scores of detections, all 0..1.

    Attributes:
      map: mean of `per_class` over the classes with an object that counts.
      per_class: class name -> average precision; NaN for a class without such an object.
      curves: class name -> float64 (101,), best precision at recalls of at least 0, .01 .. 1.
    """

    map: float
    per_class: Mapping[str, float]
    curves: Mapping[str, np.ndarray]

    def scores(self) -> dict[Score, float]:
        """The mean; of the two ways to compute it the paper's enters delta_m."""
        main = self.protocol['ap'] == ApMode.VOC07.value
        return {Score(name='map', label='mAP', main=main): self.map}


class DetectionMetric(Metric):
    """VOC average precision; keeps two numbers a detection.

    Args:
      class_names: names of the C classes, background left out.
      mode: VOC07 for the 2007 to 2009 test sets, VOC10 since.
    """

    def __init__(self, class_names: Sequence[str], mode: ApMode) -> None:
        super().__init__()
        self.class_names = tuple(class_names)
        self.mode = mode
        self.measures: list[Measure] = []

    def measure(self, prediction: ScoredBoxes, ground_truth: Objects) -> Measure:
        """Decides for each detection of one image what it counts as.

        A detection, surest first, claims the object of its class that it overlaps most; an object
        is found once, further claims are wrong.
        """
        count = len(self.class_names)
        boxes = check_boxes(prediction.boxes, 'detections')
        scores = check_scores(prediction.scores, boxes, 'detections')
        classes = check_classes(prediction.classes, boxes, count, 'detections')
        true_boxes = check_boxes(ground_truth.boxes, 'ground-truth boxes')
        true_classes = check_classes(ground_truth.classes, true_boxes, count, 'ground-truth boxes')
        difficult = np.asarray(ground_truth.difficult, bool).reshape(-1)
        if len(difficult) != len(true_boxes):
            raise MetricError(
                f'{len(true_boxes)} ground-truth boxes, {len(difficult)} difficult flags'
            )

        overlap = intersection_over_union(boxes, true_boxes)
        overlap[classes[:, None] != true_classes[None]] = 0
        outcome = np.full(len(boxes), Outcome.WRONG)
        found = np.zeros(len(true_boxes), bool)
        for i in np.argsort(-scores, kind='stable') if len(true_boxes) else ():
            best = overlap[i].argmax()
            if overlap[i, best] > MIN_OVERLAP:
                if difficult[best]:
                    outcome[i] = Outcome.NOTHING
                elif not found[best]:
                    outcome[i] = Outcome.RIGHT
                    found[best] = True
        objects = np.bincount(true_classes[~difficult], minlength=count)
        return {'scores': scores, 'classes': classes, 'outcome': outcome, 'objects': objects}

    def add(self, measure: Measure) -> None:
        self.measures.append(measure)
        self.images += 1

    def compute(self) -> DetectionResult:
        self._require_images()
        scores, classes, outcome = (
            np.concatenate([measure[key] for measure in self.measures])
            for key in ('scores', 'classes', 'outcome')
        )
        objects = np.sum([measure['objects'] for measure in self.measures], axis=0)
        if not objects.any():
            raise MetricError('no image has an object that counts (difficult ones do not)')
        curves, per_class = {}, {}
        for c, name in enumerate(self.class_names):
            of_class = (classes == c) & (outcome != Outcome.NOTHING)
            order = np.argsort(-scores[of_class], kind='stable')
            right = outcome[of_class][order] == Outcome.RIGHT
            recall, envelope = _recall_and_envelope(right, objects[c])
            curves[name] = _at(np.arange(101) / 100, recall, envelope)
            per_class[name] = (
                average_precision(recall, envelope, self.mode) if objects[c] else np.nan
            )
        return DetectionResult(
            map=float(np.nanmean(list(per_class.values()))),
            per_class=per_class,
            curves=curves,
            images=self.images,
            protocol={
                'ap': self.mode.value,
                'overlap': f'intersection over union above {MIN_OVERLAP}',
                'difficult': 'not in the recall; detections of them count as nothing',
                'equal_scores': 'in the order given',
                'absent_classes': 'null, and not in the mean: no object that counts',
            },
        )


def average_precision(recall: np.ndarray, envelope: np.ndarray, mode: ApMode) -> float:
    """AP of one class.

    Args:
      recall: float64 (N,), rising, after each detection.
      envelope: float64 (N,), the best precision from there on.
    """
    if mode is ApMode.VOC10:
        return float((np.diff(recall, prepend=0) * envelope).sum())
    return float(_at(np.arange(11) / 10, recall, envelope).mean())


def _recall_and_envelope(right: np.ndarray, objects: int) -> tuple[np.ndarray, np.ndarray]:
    found = right.cumsum()
    precision = found / np.arange(1, len(right) + 1)
    return found / max(objects, 1), np.maximum.accumulate(precision[::-1])[::-1]


def _at(levels: np.ndarray, recall: np.ndarray, envelope: np.ndarray) -> np.ndarray:
    """The best precision at recalls of at least each level; 0 where none is reached."""
    return np.append(envelope, 0)[np.searchsorted(recall, levels)]
