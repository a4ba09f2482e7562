"""Average precision of detections as PASCAL VOC defines it (Everingham et al., IJCV 2010).

A detection finds an object at an overlap of exactly 0.5 too: `VOCevaldet.m` of the development kit
has `if ovmax>=VOCopts.minoverlap`. (The Python version of many programs, `voc_eval.py`, has `>`.)

The mode VOC07 takes the best precision where recall >= t, for t in `arange(0., 1.1, 0.1)`, as
`voc_eval.py` writes the `for t=0:0.1:1` of the development kit. Three of these numbers, 3 * 0.1,
6 * 0.1 and 7 * 0.1, are slightly larger than the fractions .3, .6 and .7, so that a recall of
exactly 3 of 10 objects does not reach the fourth level.
"""

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import assert_never

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

MIN_OVERLAP = 0.5  # inclusive
LEVELS_VOC07 = np.arange(0, 1.1, 0.1)  # not multiples of 1 / 10: see the docstring of the module


class ApMode(enum.Enum):
    """How average precision is computed from a precision-recall curve."""

    VOC07 = 'VOC07'  # mean of the best precision at recall >= `LEVELS_VOC07`
    VOC10 = 'VOC10'  # area under the monotone envelope


_RECALL_LEVELS = {
    ApMode.VOC07: 'recall >= t, t in arange(0, 1.1, 0.1), where 3 x 0.1 is above .3',
    ApMode.VOC10: 'every recall that occurs',
}


class Outcome(enum.IntEnum):
    """How a detection is counted."""

    FALSE_POSITIVE = 0
    TRUE_POSITIVE = 1
    IGNORED = 2  # it matches a difficult object


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DetectionResult(MetricResult):
    """Scores of detections, all 0..1.

    Attributes:
      map: mean of `per_class` over the classes with an object that is not difficult.
      per_class: class name -> average precision; NaN for a class without such an object.
      curves: class name -> float64 (101,), best precision at recall >= 0, .01 .. 1.
    """

    map: float
    per_class: Mapping[str, float]
    curves: Mapping[str, np.ndarray]

    def scores(self) -> dict[Score, float]:
        """Returns the mean. It is the main score only in the mode VOC07, which the paper uses."""
        main = self.protocol['ap'] == ApMode.VOC07.value
        return {Score(name='map', label='mAP', main=main): self.map}


class DetectionMetric(Metric):
    """Computes VOC average precision; stores three numbers per detection.

    Args:
      class_names: names of the C classes, without background.
      mode: VOC07 for the test sets of 2007 to 2009, VOC10 for later ones.
    """

    def __init__(self, class_names: Sequence[str], mode: ApMode) -> None:
        super().__init__()
        self.class_names = tuple(class_names)
        self.mode = mode
        self.measures: list[Measure] = []

    def measure(self, prediction: ScoredBoxes, ground_truth: Objects) -> Measure:
        """Decides how each detection of one image is counted.

        In the order of descending scores, each detection is assigned to the object of its class
        that it overlaps most. The first detection of an object is a true positive, further
        detections of the same object are false positives.
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
        outcome = np.full(len(boxes), Outcome.FALSE_POSITIVE)
        detected = np.zeros(len(true_boxes), bool)
        for i in np.argsort(-scores, kind='stable') if len(true_boxes) else ():
            best = overlap[i].argmax()
            if overlap[i, best] >= MIN_OVERLAP:
                if difficult[best]:
                    outcome[i] = Outcome.IGNORED
                elif not detected[best]:
                    outcome[i] = Outcome.TRUE_POSITIVE
                    detected[best] = True
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
            raise MetricError('no image has an object that is not difficult')
        curves, per_class = {}, {}
        for c, name in enumerate(self.class_names):
            of_class = (classes == c) & (outcome != Outcome.IGNORED)
            order = np.argsort(-scores[of_class], kind='stable')
            true_positive = outcome[of_class][order] == Outcome.TRUE_POSITIVE
            recall, envelope = _recall_and_envelope(true_positive, objects[c])
            curves[name] = _precision_at(np.arange(101) / 100, recall, envelope)
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
                'recall_levels': _RECALL_LEVELS[self.mode],
                'overlap': f'intersection over union of at least {MIN_OVERLAP}, as VOCevaldet.m',
                'difficult': 'not in the recall; detections of them count as nothing',
                'equal_scores': 'in the order given',
                'absent_classes': 'null, and not in the mean: no object that counts',
            },
        )


def average_precision(recall: np.ndarray, envelope: np.ndarray, mode: ApMode) -> float:
    """Computes the average precision of one class.

    Args:
      recall: float64 (N,), ascending, after each detection.
      envelope: float64 (N,), the best precision after this or any later detection.
      mode: how the curve is averaged.
    """
    match mode:
        case ApMode.VOC07:
            return float(_precision_at(LEVELS_VOC07, recall, envelope).mean())
        case ApMode.VOC10:
            return float((np.diff(recall, prepend=0) * envelope).sum())
        case _ as unreachable:
            assert_never(unreachable)


def _recall_and_envelope(true_positive: np.ndarray, objects: int) -> tuple[np.ndarray, np.ndarray]:
    detected = true_positive.cumsum()
    precision = detected / np.arange(1, len(true_positive) + 1)
    return detected / max(objects, 1), np.maximum.accumulate(precision[::-1])[::-1]


def _precision_at(levels: np.ndarray, recall: np.ndarray, envelope: np.ndarray) -> np.ndarray:
    """Returns the best precision at recall >= each level; 0 for levels that are not reached."""
    return np.append(envelope, 0)[np.searchsorted(recall, levels)]
