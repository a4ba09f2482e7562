"""Boxes as detection and proposals use them: data classes, overlap and checks.

A box is x1, y1, x2, y2 in pixels, 0-based, x2 and y2 exclusive. VOC's files count from 1 and
include the last pixel; `voc_xml` and `annotations` convert them: they subtract 1 from x1 and y1.
"""

import dataclasses

import numpy as np

from ubernet_jax.metrics.metric import MetricError


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ScoredBoxes:
    """Predicted boxes of one image with their scores.

    Attributes:
      boxes: floating (N, 4).
      scores: floating (N,), on any scale; a higher score is more confident.
      classes: integer (N,), class index 0..C-1 (background is not a class); None for proposals.
    """

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """Ground-truth boxes of one image.

    Attributes:
      boxes: floating (M, 4).
      classes: integer (M,), class index 0..C-1 (background is not a class).
      difficult: bool (M,); difficult objects do not count, whether detected or not.
    """

    boxes: np.ndarray
    classes: np.ndarray
    difficult: np.ndarray


def intersection_over_union(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Computes the overlap of all pairs of boxes (N, 4) and (M, 4): float64 (N, M)."""
    first, second = np.asarray(first, np.float64)[:, None], np.asarray(second, np.float64)[None]
    corners = (
        np.minimum(first[..., 2:], second[..., 2:]),
        np.maximum(first[..., :2], second[..., :2]),
    )
    shared = np.clip(corners[0] - corners[1], 0, None).prod(-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(-1) for boxes in (first, second)]
    return shared / (areas[0] + areas[1] - shared)


def check_boxes(boxes: np.ndarray, what: str) -> np.ndarray:
    """Returns the boxes as float64 (N, 4).

    Raises:
      MetricError: the shape is wrong, a value is not finite, or a box has no area.
    """
    boxes = np.asarray(boxes, np.float64)
    if boxes.size == 0:
        return boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise MetricError(f'the {what} have shape {boxes.shape}: boxes must have shape (N, 4)')
    wrong = ~(np.isfinite(boxes).all(1) & (boxes[:, 2:] > boxes[:, :2]).all(1))
    if wrong.any():
        raise MetricError(
            f'the {what} contain the box {boxes[wrong][0].tolist()}: '
            'x1 < x2 and y1 < y2 must hold (x2 and y2 are exclusive)'
        )
    return boxes


def check_classes(
    classes: np.ndarray | None, boxes: np.ndarray, count: int, what: str
) -> np.ndarray:
    """Returns the class indices as int64 (N,).

    Raises:
      MetricError: their number differs from that of the boxes, or one is not in 0..`count` - 1.
    """
    classes = np.asarray([] if classes is None else classes)
    if classes.shape != (len(boxes),):
        raise MetricError(f'the {what} have {len(boxes)} boxes and {classes.size} class indices')
    wrong = (classes < 0) | (classes >= count)
    if wrong.any():
        raise MetricError(
            f'the {what} contain class index {classes[wrong][0]}: allowed are 0 to {count - 1}'
        )
    return classes.astype(np.int64)


def check_scores(scores: np.ndarray, boxes: np.ndarray, what: str) -> np.ndarray:
    """Returns the scores as float64 (N,).

    Raises:
      MetricError: their number differs from that of the boxes, or a score is NaN.
    """
    scores = np.asarray(scores, np.float64)
    if scores.shape != (len(boxes),):
        raise MetricError(f'the {what} have {len(boxes)} boxes and {scores.size} scores')
    if np.isnan(scores).any():
        raise MetricError(f'the {what} contain a score that is NaN')
    return scores
