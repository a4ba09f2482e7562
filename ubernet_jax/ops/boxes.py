"""Box arithmetic, with the parametrisation of Fast R-CNN's regression (arXiv 1504.08083, 2.3).

A box is float32 (x1, y1, x2, y2) in pixels, 0-based; x2 and y2 are exclusive: its sides are x2 - x1
and y2 - y1.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

Array = jax.Array

SMALLEST = 1e-3  # pixels; shorter sides are replaced by this, so that deltas of padding are finite
LARGEST_LOG = math.log(1000 / 16)  # a decoded side is at most 62.5 times the reference's side


def intersection_over_union(a: Array, b: Array) -> Array:
    """Computes the IoU (M, N) of boxes (M, 4) and (N, 4); 0 where a box has no area."""
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
    """Computes the deltas (..., 4) that transform references (..., 4) into boxes (..., 4).

    Args:
      boxes: the target boxes.
      references: anchors or proposals.
      std: divisors of (dx, dy, log dw, log dh), where dx and dy are relative to the reference's
        sides.
    """
    x, y, width, height = _centre_and_sides(boxes)
    reference_x, reference_y, reference_width, reference_height = _centre_and_sides(references)
    deltas = (
        (x - reference_x) / reference_width,
        (y - reference_y) / reference_height,
        jnp.log(width / reference_width),
        jnp.log(height / reference_height),
    )
    return jnp.stack([delta / divisor for delta, divisor in zip(deltas, std, strict=True)], -1)


def decode(deltas: Array, references: Array, std: Sequence[float]) -> Array:
    """Inverts `encode`: returns boxes (..., 4), which are finite for any finite deltas (..., 4)."""
    dx, dy, dw, dh = (deltas[..., i] * factor for i, factor in enumerate(std))
    reference_x, reference_y, reference_width, reference_height = _centre_and_sides(references)
    x, y = reference_x + dx * reference_width, reference_y + dy * reference_height
    half_width = reference_width * jnp.exp(jnp.minimum(dw, LARGEST_LOG)) / 2
    half_height = reference_height * jnp.exp(jnp.minimum(dh, LARGEST_LOG)) / 2
    return jnp.stack([x - half_width, y - half_height, x + half_width, y + half_height], -1)


def clip(boxes: Array, height: Array | float, width: Array | float) -> Array:
    """Clips boxes (..., 4) to an image of `height` x `width` pixels."""
    limits = (width, height, width, height)
    return jnp.stack([jnp.clip(boxes[..., i], 0, limit) for i, limit in enumerate(limits)], -1)


def has_area(boxes: Array) -> Array:
    """Whether both sides of boxes (..., 4) have a length, so that rescaled ones have it, too."""
    return (boxes[..., 2:] - boxes[..., :2] > SMALLEST).all(-1)


def _area(x1: Array, y1: Array, x2: Array, y2: Array) -> Array:
    return jnp.maximum(x2 - x1, 0) * jnp.maximum(y2 - y1, 0)


def _centre_and_sides(boxes: Array) -> tuple[Array, Array, Array, Array]:
    x1, y1, x2, y2 = (boxes[..., i] for i in range(4))
    width, height = jnp.maximum(x2 - x1, SMALLEST), jnp.maximum(y2 - y1, SMALLEST)
    return (x1 + x2) / 2, (y1 + y2) / 2, width, height
