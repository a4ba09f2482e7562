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


def from_patches(x: jax.Array, patch: int, stride: int) -> jax.Array:
    """Interpolates values at the centres of patches to the pixels 0, stride, 2 * stride, ...

    Pixels beyond the outermost centres take the values of these.

    Args:
      x: float32 (N, h, w, C).
      patch: side of a patch in pixels.
      stride: distance of the results in pixels.

    Returns:
      float32 (N, ceil(h * patch / stride), ceil(w * patch / stride), C).
    """
    rows, columns = (
        sampling_matrix(side, (np.arange(0, side * patch, stride) + 0.5) / patch - 0.5)
        for side in x.shape[1:3]
    )
    x = jnp.einsum('yi,nijc->nyjc', rows, x, precision=lax.Precision.HIGHEST)
    return jnp.einsum('xj,nyjc->nyxc', columns, x, precision=lax.Precision.HIGHEST)


def subsample(x: jax.Array, factor: int) -> jax.Array:
    """Takes every `factor`-th node of (N, H, W, ...) along H and W."""
    return x[:, ::factor, ::factor] if factor > 1 else x


def resize(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Interpolates a float array (H, W, C) on the host to `size` (height, width), float32."""
    height, width, channels = x.shape
    rows = interpolation_matrix(height, size[0]) @ x.reshape(height, width * channels)
    return interpolation_matrix(width, size[1]) @ rows.reshape(size[0], width, channels)


def interpolation_matrix(source: int, target: int) -> np.ndarray:
    """Returns the weights float32 (target, source) of linear interpolation between 1-D grids."""
    return sampling_matrix(source, np.linspace(0, source - 1, target))


def sampling_matrix(source: int, position: np.ndarray) -> np.ndarray:
    """Returns the weights float32 (n, source) of linear interpolation at n positions.

    Positions are in samples; those outside of 0 .. source - 1 take the value at the border.
    """
    position = np.clip(position, 0, source - 1)
    target = len(position)
    node = np.clip(np.floor(position).astype(int), 0, max(source - 2, 0))
    fraction = (position - node).astype(np.float32)
    matrix = np.zeros((target, source), np.float32)
    matrix[np.arange(target), node] = 1 - fraction
    matrix[np.arange(target), np.minimum(node + 1, source - 1)] += fraction
    return matrix


def _padding(axis: int, low: int, high: int, interior: int) -> list[tuple[int, int, int]]:
    return [(low, high, interior) if a == axis else (0, 0, 0) for a in range(4)]
