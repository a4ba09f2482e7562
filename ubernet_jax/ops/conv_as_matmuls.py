"""A convolution computed as a sum of matrix products, one per position of the kernel."""

import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from ubernet_jax.ops import onednn
from ubernet_jax.ops.product import product

Array = jax.Array


def conv_as_matmuls(x: Array, kernel: Array, dilation: int = 1, stride: int = 1) -> Array:
    """Convolves by k x k matrix products, one per kernel position, without multiplying padding.

    Use it for layers inside `lax.cond`, where XLA's gradients of convolutions are up to a hundred
    times as slow as outside (jax issue 12868), and for large dilations, where most kernel positions
    overlap more with padding than with the image.

    Args:
      x: (N, h, w, c).
      kernel: (k, k, c, d), k odd.
      dilation: distance in pixels of `x` between two positions of the kernel.
      stride: distance in pixels of `x` between two positions of the result.

    Returns:
      (N, ceil(h / stride), ceil(w / stride), d), for zero padding of dilation * (k // 2) on every
      side.
    """
    size, sides = len(kernel), x.shape[1:3]
    height, width = (-(-side // stride) for side in sides)
    part = _parts(kernel)
    total = jnp.zeros((len(x), height, width, kernel.shape[-1]), x.dtype)
    for row, column in itertools.product(range(size), repeat=2):
        offsets = (dilation * (index - size // 2) for index in (row, column))
        (top, rows), (left, columns) = (
            _overlap(offset, side, stride) for offset, side in zip(offsets, sides, strict=True)
        )
        window = x[:, rows, columns]
        if window.size:
            bottom, right = top + window.shape[1], left + window.shape[2]
            total = total.at[:, top:bottom, left:right].add(product(window, part(row, column)))
    return total


def _parts(kernel: Array) -> Callable[[int, int], Array]:
    """Returns a function of row and column that returns a part (c, d) of a kernel (k, k, c, d)."""
    if not onednn.usable(kernel):
        return lambda row, column: kernel[row, column]
    # The gradients of these parts are joined. Those of slices are padded to the kernel's size and
    # added up, which in bfloat16 takes longer than the products.
    size = len(kernel)
    parts = lax.split(kernel.reshape(-1, *kernel.shape[2:]), [1] * size**2)
    return lambda row, column: parts[row * size + column][0]


def _overlap(offset: int, side: int, stride: int) -> tuple[int, slice]:
    """Finds where a kernel position overlaps with the image, along one axis.

    Args:
      offset: offset of the kernel position from the kernel's centre, in pixels.
      side: size of the image.
      stride: of the convolution.

    Returns:
      The first index of the result where the position lies in the image, and the slice of the image
      that it is multiplied with.
    """
    first = max(0, -(offset // stride))
    return first, slice(first * stride + offset, max(0, side + min(0, offset)), stride)
