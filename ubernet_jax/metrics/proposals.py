"""Recall of class-agnostic object proposals, as COCO computes it.

A proposal finds an object at an overlap of exactly the threshold too: `cocoeval.py` of pycocotools
skips a pair only `if ious[dind,gind] < iou`, with thresholds from `linspace(.5, 0.95, 10)`.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ubernet_jax.metrics.boxes import (
    Objects,
    ScoredBoxes,
    check_boxes,
    check_scores,
    intersection_over_union,
)
from ubernet_jax.metrics.metric import Measure, Metric, MetricError, MetricResult, Score

OVERLAPS = np.linspace(0.5, 0.95, 10)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProposalResult(MetricResult):
    """Recall of the objects that are not difficult, 0..1.

    Attributes:
      recall: proposals per image -> recall at overlap 0.5.
      average_recall: proposals per image -> mean recall over the overlaps 0.5, 0.55 .. 0.95.
      objects: number of objects.
    """

    recall: dict[int, float]
    average_recall: dict[int, float]
    objects: int

    def scores(self) -> dict[Score, float]:
        return {
            Score(name=f'recall_{limit}', label=f'recall of {limit}'): recall
            for limit, recall in self.recall.items()
        }


class ProposalMetric(Metric):
    """Computes recall for several numbers of proposals per image; constant memory.

    Args:
      limits: the numbers of proposals.
    """

    def __init__(self, limits: Sequence[int] = (100, 300, 1000)) -> None:
        super().__init__()
        self.limits = tuple(limits)
        self.found = np.zeros((len(self.limits), len(OVERLAPS)), np.int64)
        self.objects = 0

    def measure(self, prediction: ScoredBoxes, ground_truth: Objects) -> Measure:
        """Counts the objects of one image that proposals find.

        Classes are ignored, and difficult objects are left out. In the order of descending scores,
        each proposal finds the object that it overlaps most among those not found before.
        """
        boxes = check_boxes(prediction.boxes, 'proposals')
        scores = check_scores(prediction.scores, boxes, 'proposals')
        kept = ~np.asarray(ground_truth.difficult, bool).reshape(-1)
        true_boxes = check_boxes(ground_truth.boxes, 'ground-truth boxes')[kept]
        overlap = intersection_over_union(boxes, true_boxes)
        overlap = overlap[np.argsort(-scores, kind='stable')[: max(self.limits)]]
        ranks = np.stack([_rank_of_finder(overlap, minimum) for minimum in OVERLAPS], -1)
        found = np.stack([(ranks < limit).sum(0) for limit in self.limits])
        return {'found': found, 'objects': np.array(len(true_boxes))}

    def add(self, measure: Measure) -> None:
        self.found += measure['found']
        self.objects += int(measure['objects'])
        self.images += 1

    def compute(self) -> ProposalResult:
        self._require_images()
        if not self.objects:
            raise MetricError('no image has an object that is not difficult')
        recall = self.found / self.objects
        return ProposalResult(
            recall=dict(zip(self.limits, recall[:, 0].tolist(), strict=True)),
            average_recall=dict(zip(self.limits, recall.mean(1).tolist(), strict=True)),
            objects=self.objects,
            images=self.images,
            protocol={
                'overlap': 'intersection over union of at least 0.5, 0.55 .. 0.95, as cocoeval.py',
                'proposals_an_image': list(self.limits),
                'classes': 'ignored',
                'difficult': 'left out',
            },
        )


def _rank_of_finder(overlap: np.ndarray, minimum: float) -> np.ndarray:
    """Returns for each object (column) the rank of the proposal (row) that finds it.

    The rank of an object that is not found is the largest int64.
    """
    rank = np.full(overlap.shape[1], np.iinfo(np.int64).max)
    missing = overlap >= minimum
    for i in np.flatnonzero(missing.any(1)):
        candidates = np.flatnonzero(missing[i])
        if len(candidates):
            best = candidates[overlap[i, candidates].argmax()]
            rank[best] = i
            missing[:, best] = False
    return rank
