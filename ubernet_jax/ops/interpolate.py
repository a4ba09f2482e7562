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
    # Written so that the gradient is a sum of strided slices, without arrays of the fine grid.
    for axis in (1, 2):
        nodes = x.shape[axis]
        low, high = (lax.slice_in_dim(x, k, nodes - 1 + k, axis=axis) for k in (0, 1))
        x = _spread(x, axis, 0) + _spread((low + high) / 2, axis, 1)
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


def average_squares(x: jax.Array, factor: int) -> jax.Array:
    """Averages float (N, H, W, C) over squares; (N, ceil(H / factor), ceil(W / factor), C).

    Squares that exceed the array repeat its last row and column.
    """
    if factor == 1:
        return x
    images, height, width, channels = x.shape
    x = jnp.pad(x, ((0, 0), (0, -height % factor), (0, -width % factor), (0, 0)), mode='edge')
    squares = (images, x.shape[1] // factor, factor, x.shape[2] // factor, factor, channels)
    return x.reshape(squares).mean((2, 4))


def resample(x: jax.Array, rows: np.ndarray, columns: np.ndarray) -> jax.Array:
    """Interpolates (N, h, w, C) at positions, which are known when the program is compiled.

    Positions outside of the samples take the value at the border.

    Args:
      x: the samples.
      rows: float64 (m,), positions along h, in samples.
      columns: float64 (n,), positions along w, in samples.

    Returns:
      (N, m, n, C); a position that is a sample has exactly its value.
    """
    for axis, position in ((1, rows), (2, columns)):
        last = x.shape[axis] - 1
        position = np.clip(position, 0, last)
        node = np.floor(position).astype(int)
        share = (position - node).astype(x.dtype)
        share = share.reshape([-1 if a == axis else 1 for a in range(4)])
        low, high = (jnp.take(x, np.minimum(index, last), axis) for index in (node, node + 1))
        x = low * (1 - share) + high * share
    return x


def subsample(x: jax.Array, factor: int) -> jax.Array:
    """Takes every `factor`-th node of (N, H, W, ...) along H and W."""
    return x[:, ::factor, ::factor] if factor > 1 else x


def interpolate_strip(
    x: jax.Array,
    input_size: tuple[int, int],
    stride: int,
    size: jax.Array,
    top: jax.Array,
    rows: int,
    columns: int,
) -> jax.Array:
    """Interpolates (h, w, C) to an image of `size`, and returns some of its rows.

    The corners of the image are those of the network's input.

    Args:
      x: the array, whose samples lie at the pixels 0, stride, 2 * stride, ... of the input.
      input_size: height and width of the input.
      stride: in pixels of the input.
      size: int32 (2,), height and width of the image; each side times that of the input is below
        2**31.
      top: int32, the first row.
      rows: number of rows; static.
      columns: number of columns, from the first; static.

    Returns:
      (rows, columns, C). Rows and columns beyond the image repeat its last.
    """
    x = _interpolate_axis(x, 0, top + jnp.arange(rows), size[0], input_size[0] - 1, stride)
    return _interpolate_axis(x, 1, jnp.arange(columns), size[1], input_size[1] - 1, stride)


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


def _interpolate_axis(
    x: jax.Array, axis: int, pixels: jax.Array, length: jax.Array, end: int, stride: int
) -> jax.Array:
    """Interpolates an axis to `length` pixels, and returns the pixels int32 (n,) of it."""
    # In integers, because the product has more digits than a float32.
    position = jnp.minimum(pixels, length - 1) * end
    intervals = jnp.maximum(length - 1, 1) * stride
    node = position // intervals
    share = (position % intervals / intervals).astype(x.dtype)
    share = share.reshape([-1 if a == axis else 1 for a in range(x.ndim)])
    low, high = (jnp.take(x, index, axis, mode='clip') for index in (node, node + 1))
    return low * (1 - share) + high * share


def _spread(x: jax.Array, axis: int, border: int) -> jax.Array:
    """Inserts a zero between neighbours along an axis, and `border` zeros at both ends."""
    padding = [(border, border, 1) if a == axis else (0, 0, 0) for a in range(4)]
    return lax.pad(x, np.zeros((), x.dtype), padding)
