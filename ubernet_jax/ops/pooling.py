"""3x3 pooling with padding 1, the only window that the network uses.

Written as separable maxima and sums of shifted slices: XLA's `select_and_scatter`, the gradient of
`lax.reduce_window`, takes 6 times as long on a CPU.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

Array = jax.Array


def max_pool(x: Array, stride: int) -> Array:
    """Maximum over 3x3 windows; ties share the gradient.

    Args:
      x: (N, H, W, C).
      stride: of the windows; with sides stride * k + 1 the result's sides are k + 1.
    """
    return _pool(x, stride, jnp.maximum, -jnp.inf)


def average_pool(x: Array, stride: int) -> Array:
    """Mean over 3x3 windows; zeros outside the image count, as in Caffe. Shapes as `max_pool`."""
    return _pool(x, stride, jnp.add, 0.0) / 9


def _pool(x: Array, stride: int, combine: Callable, outside: float) -> Array:
    for axis in (1, 2):
        padding = [(1, 1) if a == axis else (0, 0) for a in range(4)]
        padded = jnp.pad(x, padding, constant_values=outside)
        last = x.shape[axis] - 1
        slices = [
            lax.slice_in_dim(padded, shift, shift + last + 1, stride, axis) for shift in range(3)
        ]
        x = functools.reduce(combine, slices)
    return x
