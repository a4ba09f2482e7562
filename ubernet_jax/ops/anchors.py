"""Anchors of the region proposal network and what they are to find (arXiv 1506.01497, section 3).

Letters: A boxes (anchors or proposals), G ground-truth boxes, padded to a fixed number.
"""

import enum
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array


class Assignment(enum.IntEnum):
    """What a box is trained to be."""

    IGNORE = -1
    NEGATIVE = 0
    POSITIVE = 1


def make_anchors(
    height: int,
    width: int,
    stride: int = 16,
    base: int = 16,
    ratios: Sequence[float] = (0.5, 1, 2),
    scales: Sequence[float] = (4, 8, 16, 32),
) -> np.ndarray:
    """Boxes float32 (height * width * A, 4) by row, column, ratio and scale.

    Args:
      height, width: of the grid, in cells.
      stride: pixels per cell.
      base: side in pixels of the square whose centre and area the anchors share at scale 1.
      ratios: height over width; sides are rounded to whole pixels before they are scaled.
      scales: factors on the sides.
    """
    ratios = np.array(ratios)
    widths = np.round(np.sqrt(base**2 / ratios))
    sides = np.stack([widths, np.round(widths * ratios)], -1)
    half = (sides[:, None] * np.array(scales)[:, None] / 2).reshape(-1, 2)
    cell = np.concatenate([base / 2 - half, base / 2 + half], -1)
    row, column = np.mgrid[:height, :width] * stride
    corner = np.stack([column, row, column, row], -1).reshape(-1, 1, 4)
    return (corner + cell).reshape(-1, 4).astype(np.float32)


def assign(
    iou: Array, valid: Array, positive: float, negative: float, low_quality: bool
) -> tuple[Array, Array]:
    """Decides what each box is trained to be.

    Args:
      iou: (A, G), G at least 1.
      valid: bool (G,), the ground truth that is none of the padding.
      positive: IoU from which on a box is POSITIVE.
      negative: IoU below which it is NEGATIVE; between the two it is IGNORE.
      low_quality: whether the boxes that overlap most with a ground truth are POSITIVE whatever
        their IoU, all of them where several are equal.

    Returns:
      `Assignment` int32 (A,), and int32 (A,), the ground truth that each box overlaps with most.
    """
    iou = jnp.where(valid[None], iou, -1.0)
    best = iou.max(1)
    assignment = jnp.where(best < negative, Assignment.NEGATIVE, Assignment.IGNORE)
    found = best >= positive
    if low_quality:
        found |= ((iou == iou.max(0, keepdims=True)) & (iou > 0)).any(1)
    assignment = jnp.where(found, Assignment.POSITIVE, assignment)
    return assignment.astype(jnp.int32), iou.argmax(1).astype(jnp.int32)
