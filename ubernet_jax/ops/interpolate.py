"""Bilinear interpolation with aligned corners: the first and last samples keep their positions.

For sides of the form k * n + 1, the nodes of the coarse grid are also nodes of the fine grid. Then
repeated upsampling by 2 equals the interpolation in a single step, and downsampling takes every
k-th node.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def upsample_2x(x: jax.Array) -> jax.Array:
    """Interpolates (N, H, W, C) to (N, 2H-1, 2W-1, C)."""
    for axis in (1, 2):
        # Zeros are inserted between the nodes, then replaced by the mean of their two neighbours.
        spread = lax.pad(x, np.zeros((), x.dtype), _padding(axis, 0, 0, 1))
        left = lax.pad(spread, np.zeros((), x.dtype), _padding(axis, 1, -1, 0))
        right = lax.pad(spread, np.zeros((), x.dtype), _padding(axis, -1, 1, 0))
        x = spread + (left + right) / 2
    return x


def subsample(x: jax.Array, factor: int) -> jax.Array:
    """Takes every `factor`-th node of (N, H, W, ...) along H and W."""
    return x[:, ::factor, ::factor] if factor > 1 else x


def interpolate_strip(
    x: jax.Array, size: jax.Array, top: jax.Array, rows: int, columns: int
) -> jax.Array:
    """Interpolates (h, w, C) to an image of `size`, and returns some of its rows.

    Args:
      x: the array.
      size: int32 (2,), height and width of the image; each side times that of `x` is below 2**31.
      top: int32, the first row.
      rows: number of rows; static.
      columns: number of columns, from the first; static.

    Returns:
      (rows, columns, C). Rows and columns beyond the image repeat its last.
    """
    x = _interpolate_axis(x, 0, top + jnp.arange(rows), size[0])
    return _interpolate_axis(x, 1, jnp.arange(columns), size[1])


def _interpolate_axis(x: jax.Array, axis: int, pixels: jax.Array, length: jax.Array) -> jax.Array:
    """Interpolates an axis to `length` pixels, and returns the pixels int32 (n,) of it."""
    last = x.shape[axis] - 1
    # In integers, because the product has more digits than a float32.
    position = jnp.minimum(pixels, length - 1) * last
    intervals = jnp.maximum(length - 1, 1)
    node = position // intervals
    share = (position % intervals / intervals).astype(x.dtype)
    share = share.reshape([-1 if a == axis else 1 for a in range(x.ndim)])
    low, high = (
        jnp.take(x, index, axis, mode='clip') for index in (node, jnp.minimum(node + 1, last))
    )
    return low * (1 - share) + high * share


def _padding(axis: int, low: int, high: int, interior: int) -> list[tuple[int, int, int]]:
    return [(low, high, interior) if a == axis else (0, 0, 0) for a in range(4)]
