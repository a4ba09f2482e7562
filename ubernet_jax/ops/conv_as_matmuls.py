"""A convolution written as a sum of matrix products, one for each position of the kernel."""

import itertools

import jax
import jax.numpy as jnp

Array = jax.Array


def conv_as_matmuls(x: Array, kernel: Array, dilation: int = 1, stride: int = 1) -> Array:
    """Convolves as k x k matrix products, each of the part of `x` that its tap sees.

    For layers inside `lax.cond`, where XLA's gradients of convolutions are up to a hundred times as
    slow as outside (jax issue 12868); and for large dilations, where most taps see more padding
    than image.

    Args:
      x: (N, h, w, c).
      kernel: (k, k, c, d), k odd.
      dilation: rows and columns of `x` between two taps of the kernel.
      stride: rows and columns of `x` per row and column of the result.

    Returns:
      (N, ceil(h / stride), ceil(w / stride), d): dilation * (k // 2) zeros pad every side.
    """
    size, sides = len(kernel), x.shape[1:3]
    height, width = (-(-side // stride) for side in sides)
    total = jnp.zeros((len(x), height, width, kernel.shape[-1]), x.dtype)
    for row, column in itertools.product(range(size), repeat=2):
        offsets = (dilation * (place - size // 2) for place in (row, column))
        (top, rows), (left, columns) = (
            _overlap(offset, side, stride) for offset, side in zip(offsets, sides, strict=True)
        )
        seen = x[:, rows, columns]
        if seen.size:
            bottom, right = top + seen.shape[1], left + seen.shape[2]
            total = total.at[:, top:bottom, left:right].add(seen @ kernel[row, column])
    return total


def _overlap(offset: int, side: int, stride: int) -> tuple[int, slice]:
    """The first place of the result where a tap sees the image, and all of it that the tap sees."""
    first = max(0, -(offset // stride))
    return first, slice(first * stride + offset, max(0, side + min(0, offset)), stride)
