"""Average pooling, and the shifted slices that pooling is built from.

Pooling is computed as the sum or maximum of slices, because XLA's gradient of `lax.reduce_window`
takes 6 times as long on a CPU. Max pooling has a hand-written backward pass: see
`ops/custom_vjp/max_pool`.
"""

import functools

import jax
import jax.numpy as jnp
from jax import lax

Array = jax.Array


def average_pool(x: Array, stride: int) -> Array:
    """Mean over 3x3 windows including the zero padding, as in Caffe; shapes as in `max_pool`."""
    for axis in (1, 2):
        x = functools.reduce(jnp.add, shifted_slices(x, axis, stride, 3, 0.0))
    return x / 9


def shifted_slices(x: Array, axis: int, stride: int, window: int, padding: float) -> list[Array]:
    """Returns the first, second, ... element of every window along an axis.

    Args:
      x: the image, with any axes.
      axis: the axis.
      stride: of the windows.
      window: size of the windows.
      padding: value outside of the image.

    Returns:
      `window` arrays, with an element per window along the axis.
    """
    widths = [(0, 0)] * x.ndim
    widths[axis] = ((window - 1) // 2, window // 2)
    padded = jnp.pad(x, widths, constant_values=padding)
    end = x.shape[axis]
    return [lax.slice_in_dim(padded, shift, shift + end, stride, axis) for shift in range(window)]
