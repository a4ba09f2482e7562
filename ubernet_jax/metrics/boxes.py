"""Boxes that detection and proposals share: their structures, overlap, and checks.

A box is x1, y1, x2, y2 in pixels, 0-based, x2 and y2 exclusive. VOC's files count from 1 and
include the last pixel: subtract 1 from their x1 and y1 (`readers` does).
"""

import dataclasses

import numpy as np

from ubernet_jax.metrics.metric import MetricError


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ScoredBoxes:
    """Scored boxes of one image.

    Attributes:
      boxes: floating (N, 4).
      scores: floating (N,), any scale, higher is surer.
      classes: integer (N,), class index 0..C-1 (background is none); proposals need none.
    """

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """True boxes of one image.

    Attributes:
      boxes: floating (M, 4).
      classes: integer (M,), class index 0..C-1 (background is none).
      difficult: bool (M,), found or not, these do not count.
    """

    boxes: np.ndarray
    classes: np.ndarray
    difficult: np.ndarray


def intersection_over_union(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Overlap of every first with every second box: (N, 4) and (M, 4) to float64 (N, M)."""
    first, second = np.asarray(first, np.float64)[:, None], np.asarray(second, np.float64)[None]
    corners = (
        np.minimum(first[..., 2:], second[..., 2:]),
        np.maximum(first[..., :2], second[..., :2]),
    )
    shared = np.clip(corners[0] - corners[1], 0, None).prod(-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(-1) for boxes in (first, second)]
    return shared / (areas[0] + areas[1] - shared)


def check_boxes(boxes: np.ndarray, what: str) -> np.ndarray:
    """The boxes as float64 (N, 4).

    Raises:
      MetricError: another shape, a value that is not finite, or a box without area.
    """
    boxes = np.asarray(boxes, np.float64)
    if boxes.size == 0:
        return boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise MetricError(f'the {what} have shape {boxes.shape}: boxes of shape (N, 4) are needed')
    wrong = ~(np.isfinite(boxes).all(1) & (boxes[:, 2:] > boxes[:, :2]).all(1))
    if wrong.any():
        raise MetricError(
            f'the {what} hold the box {boxes[wrong][0].tolist()}: '
            'x1 < x2 and y1 < y2 are needed (x2, y2 exclusive)'
        )
    return boxes


def check_classes(
    classes: np.ndarray | None, boxes: np.ndarray, count: int, what: str
) -> np.ndarray:
    """The class indices as int64 (N,).

    Raises:
      MetricError: not one for each box, or not 0 to `count` - 1.
    """
    classes = np.asarray([] if classes is None else classes)
    if classes.shape != (len(boxes),):
        raise MetricError(f'the {what} have {len(boxes)} boxes and {classes.size} class indices')
    wrong = (classes < 0) | (classes >= count)
    if wrong.any():
        raise MetricError(
            f'the {what} hold class index {classes[wrong][0]}: allowed are 0 to {count - 1}'
        )
    return classes.astype(np.int64)


def check_scores(scores: np.ndarray, boxes: np.ndarray, what: str) -> np.ndarray:
    """The scores as float64 (N,).

    Raises:
      MetricError: not one for each box, or one is NaN.
    """
    scores = np.asarray(scores, np.float64)
    if scores.shape != (len(boxes),):
        raise MetricError(f'the {what} have {len(boxes)} boxes and {scores.size} scores')
    if np.isnan(scores).any():
        raise MetricError(f'the {what} hold a score that is not a number')
    return scores
