"""Anchors of the region proposal network and their training labels (arXiv 1506.01497, section 3).

Shape letters: A boxes (anchors or proposals), G ground-truth boxes, padded to a fixed number.
"""

import enum
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array


class Assignment(enum.IntEnum):
    """Training label of a box."""

    IGNORE = -1
    NEGATIVE = 0
    POSITIVE = 1


def make_anchors(
    height: int,
    width: int,
    stride: int = 16,
    base: int = 16,
    ratios: Sequence[float] = (0.5, 1, 2),
    anchor_scales: Sequence[float] = (4, 8, 16, 32),
) -> np.ndarray:
    """Returns boxes float32 (height * width * A, 4), in order of row, column, ratio and scale.

    A is the number of anchors per cell.

    Args:
      height: height of the grid, in cells.
      width: width of the grid, in cells.
      stride: pixels per cell.
      base: side in pixels of a square; anchors of scale 1 have its centre and its area.
      ratios: height / width; sides are rounded to whole pixels before they are scaled.
      anchor_scales: factors on the sides.
    """
    heights_per_width = np.array(ratios)
    widths = np.round(np.sqrt(base**2 / heights_per_width))
    sides = np.stack([widths, np.round(widths * heights_per_width)], -1)
    half = (sides[:, None] * np.array(anchor_scales)[:, None] / 2).reshape(-1, 2)
    cell = np.concatenate([base / 2 - half, base / 2 + half], -1)
    row, column = np.mgrid[:height, :width] * stride
    corner = np.stack([column, row, column, row], -1).reshape(-1, 1, 4)
    return (corner + cell).reshape(-1, 4).astype(np.float32)


def assign(
    iou: Array, valid: Array, positive: float, negative: float, low_quality: bool
) -> tuple[Array, Array]:
    """Assigns each box a training label and a ground-truth box.

    Args:
      iou: (A, G), G at least 1.
      valid: bool (G,), False for ground-truth boxes that are padding.
      positive: boxes with at least this IoU are POSITIVE.
      negative: boxes with a smaller IoU are NEGATIVE; those in between are IGNORE.
      low_quality: whether the boxes with the highest IoU for some ground-truth box are POSITIVE
        at any IoU above 0; all of them in case of ties.

    Returns:
      `Assignment` int32 (A,), and int32 (A,), the ground-truth box with which each box has the
      highest IoU.
    """
    iou = jnp.where(valid[None], iou, -1.0)
    best = iou.max(1)
    assignment = jnp.where(best < negative, Assignment.NEGATIVE, Assignment.IGNORE)
    is_positive = best >= positive
    if low_quality:
        is_positive |= ((iou == iou.max(0, keepdims=True)) & (iou > 0)).any(1)
    assignment = jnp.where(is_positive, Assignment.POSITIVE, assignment)
    return assignment.astype(jnp.int32), iou.argmax(1).astype(jnp.int32)


def ignore_negatives(assignment: Array, iou: Array, ignored: Array, negative: float) -> Array:
    """Turns NEGATIVE boxes that overlap with a box that may be an object into IGNORE.

    Args:
      assignment: `Assignment` int32 (A,).
      iou: (A, G).
      ignored: bool (G,), the boxes that may be objects.
      negative: the IoU from which on a box overlaps.
    """
    overlaps = (iou >= negative) & ignored[None]
    is_ignored = overlaps.any(1) & (assignment == Assignment.NEGATIVE)
    return jnp.where(is_ignored, Assignment.IGNORE, assignment)
