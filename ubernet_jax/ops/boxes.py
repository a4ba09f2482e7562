"""Boxes as Fast R-CNN regresses them (arXiv 1504.08083, section 2.3).

A box is float32 (x1, y1, x2, y2) in pixels, 0-based; x2 and y2 are exclusive, so that the sides
are x2 - x1 and y2 - y1.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

Array = jax.Array

SMALLEST = 1e-3  # pixels: shorter sides count as this, which keeps deltas of padding finite
LARGEST_LOG = math.log(1000 / 16)  # a decoded side is at most 62.5 times the reference's


def intersection_over_union(a: Array, b: Array) -> Array:
    """IoU (M, N) of boxes (M, 4) and (N, 4); 0 where a box has no area."""
    a_x1, a_y1, a_x2, a_y2 = (a[:, None, i] for i in range(4))
    b_x1, b_y1, b_x2, b_y2 = (b[None, :, i] for i in range(4))
    overlap = _area(
        jnp.maximum(a_x1, b_x1),
        jnp.maximum(a_y1, b_y1),
        jnp.minimum(a_x2, b_x2),
        jnp.minimum(a_y2, b_y2),
    )
    union = _area(a_x1, a_y1, a_x2, a_y2) + _area(b_x1, b_y1, b_x2, b_y2) - overlap
    return overlap / jnp.where(overlap > 0, union, 1)


def encode(boxes: Array, references: Array, std: Sequence[float]) -> Array:
    """Deltas (..., 4) that move references (..., 4) onto boxes (..., 4).

    Args:
      boxes: the targets.
      references: anchors or proposals.
      std: what (dx, dy, log dw, log dh) are divided by; dx and dy are in sides of the reference.
    """
    x, y, width, height = _centre_and_sides(boxes)
    from_x, from_y, from_width, from_height = _centre_and_sides(references)
    deltas = (
        (x - from_x) / from_width,
        (y - from_y) / from_height,
        jnp.log(width / from_width),
        jnp.log(height / from_height),
    )
    return jnp.stack([delta / unit for delta, unit in zip(deltas, std, strict=True)], -1)


def decode(deltas: Array, references: Array, std: Sequence[float]) -> Array:
    """The inverse of `encode`: boxes (..., 4), finite for any finite deltas (..., 4)."""
    dx, dy, dw, dh = (deltas[..., i] * unit for i, unit in enumerate(std))
    from_x, from_y, from_width, from_height = _centre_and_sides(references)
    x, y = from_x + dx * from_width, from_y + dy * from_height
    half_width = from_width * jnp.exp(jnp.minimum(dw, LARGEST_LOG)) / 2
    half_height = from_height * jnp.exp(jnp.minimum(dh, LARGEST_LOG)) / 2
    return jnp.stack([x - half_width, y - half_height, x + half_width, y + half_height], -1)


def clip(boxes: Array, height: Array | float, width: Array | float) -> Array:
    """The part of boxes (..., 4) within an image of `height` x `width` pixels."""
    limits = (width, height, width, height)
    return jnp.stack([jnp.clip(boxes[..., i], 0, limit) for i, limit in enumerate(limits)], -1)


def _area(x1: Array, y1: Array, x2: Array, y2: Array) -> Array:
    return jnp.maximum(x2 - x1, 0) * jnp.maximum(y2 - y1, 0)


def _centre_and_sides(boxes: Array) -> tuple[Array, Array, Array, Array]:
    x1, y1, x2, y2 = (boxes[..., i] for i in range(4))
    width, height = jnp.maximum(x2 - x1, SMALLEST), jnp.maximum(y2 - y1, SMALLEST)
    return (x1 + x2) / 2, (y1 + y2) / 2, width, height
