"""Average pooling, and the shifted slices that pooling is made of.

Written as sums and maxima of slices: XLA's gradient of `lax.reduce_window` takes 6 times as long on
a CPU. Max pooling has a backward pass by hand: `ops/custom_vjp/max_pool`.
"""

import functools

import jax
import jax.numpy as jnp
from jax import lax

Array = jax.Array


def average_pool(x: Array, stride: int) -> Array:
    """Mean over 3x3 windows; zeros outside the image count, as in Caffe. Shapes as `max_pool`."""
    for axis in (1, 2):
        x = functools.reduce(jnp.add, shifted_slices(x, axis, stride, 3, 0.0))
    return x / 9


def shifted_slices(x: Array, axis: int, stride: int, window: int, outside: float) -> list[Array]:
    """What the first, second, ... place of every window along an axis sees."""
    edges = [(0, 0)] * x.ndim
    edges[axis] = ((window - 1) // 2, window // 2)
    padded = jnp.pad(x, edges, constant_values=outside)
    end = x.shape[axis]
    return [lax.slice_in_dim(padded, shift, shift + end, stride, axis) for shift in range(window)]
