"""Positions of a vision transformer's patches: interpolated tables, and rotations (RoPE)."""

import jax
import jax.numpy as jnp
import numpy as np


def resize_table(
    table: jax.Array, size: tuple[int, int], offset: float, antialias: bool
) -> jax.Array:
    """Interpolates a table of positions (t, t, C) to another number of patches, bicubically.

    Args:
      table: one vector per patch of the images of the pretraining.
      size: (h, w), patches along the height and the width.
      offset: added to h and w in the ratio of the sizes only, as in DINOv2 (0.1), whose code avoids
        rounding errors that way (`interpolate_offset`, github.com/facebookresearch/dinov2).
      antialias: widen the kernel when the table shrinks.

    Returns:
      (h, w, C); the table itself, if it has this size.
    """
    if table.shape[:2] == size:
        return table
    rows, columns = (
        cubic_matrix(side, new, side / (new + offset), antialias)
        for side, new in zip(table.shape[:2], size, strict=True)
    )
    return jnp.einsum('yi,xj,ijc->yxc', rows, columns, table, precision=jax.lax.Precision.HIGHEST)


def cubic_matrix(source: int, target: int, scale: float, antialias: bool) -> np.ndarray:
    """The weights float32 (target, source) of cubic convolution, as PyTorch computes it.

    Args:
      source: number of samples.
      target: number of results; result i lies at (i + 0.5) * scale - 0.5.
      scale: samples per result.
      antialias: widen the kernel by `scale` if that is above 1, use a = -0.5 instead of -0.75, and
        leave out what lies outside instead of repeating the border.
    """
    widening = max(scale, 1.0) if antialias else 1.0
    position = (np.arange(target)[:, None] + 0.5) * scale - 0.5
    reach = int(np.ceil(2 * widening)) + 1
    sample = np.floor(position).astype(int) + np.arange(-reach, reach + 1)
    weights = _cubic((position - sample) / widening, -0.5 if antialias else -0.75)
    if antialias:
        weights = np.where((sample >= 0) & (sample < source), weights, 0)
        weights = weights / weights.sum(1, keepdims=True)
    matrix = np.zeros((target, source))
    np.add.at(matrix, (np.arange(target)[:, None], np.clip(sample, 0, source - 1)), weights)
    return matrix.astype(np.float32)


def rotations(size: tuple[int, int], width: int, base: float = 100.0) -> np.ndarray:
    """The angles of axial rotary positions, as in DINOv3 (arXiv 2508.10104).

    Args:
      size: (h, w), patches along the height and the width.
      width: D, channels of a head, a multiple of 4.
      base: ratio of the longest period to the shortest, 1, which is half of the image's side.

    Returns:
      float32 (h * w, D): the angle of each channel; channels d and d + D/2 have the same. Of the
      first D/2, the first half belongs to the rows, the second half to the columns.
    """
    centres = [(np.arange(side) + 0.5) / side * 2 - 1 for side in size]
    grid = np.stack(np.meshgrid(*centres, indexing='ij'), -1).reshape(-1, 2, 1)
    periods = base ** (np.arange(width // 4) * 4 / width)
    angles = (2 * np.pi * grid / periods).reshape(-1, width // 2)
    return np.tile(angles, 2).astype(np.float32)


def rotate(x: jax.Array, angles: jax.Array | np.ndarray) -> jax.Array:
    """Rotates the pairs of channels (d, d + D/2) of x (N, T, heads, D) by angles (T, D)."""
    cosine, sine = (f(angles)[None, :, None] for f in (jnp.cos, jnp.sin))
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    turned = jnp.concatenate([-second, first], -1)
    rotated = jnp.concatenate([first, second], -1) * cosine + turned * sine
    return rotated.astype(x.dtype)


def _cubic(x: np.ndarray, a: float) -> np.ndarray:
    """Keys's kernel (1981), which is 0 for |x| >= 2."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x**2 + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))
