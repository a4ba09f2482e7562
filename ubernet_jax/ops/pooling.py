"""Pooling, padded so that every `stride`-th pixel has its window.

Written as separable maxima and sums of shifted slices: XLA's `select_and_scatter`, the gradient of
`lax.reduce_window`, takes 6 times as long on a CPU.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

Array = jax.Array


def max_pool(x: Array, stride: int, window: int = 3) -> Array:
    """Maximum over square windows; ties share the gradient.

    Args:
      x: (N, H, W, C).
      stride: of the windows; with sides stride * k + 1 the result's sides are k + 1.
      window: side of the windows; an even one reaches farther right and down, as TensorFlow pads.
    """
    return _pool(x, stride, window, jnp.maximum, -jnp.inf)


def average_pool(x: Array, stride: int) -> Array:
    """Mean over 3x3 windows; zeros outside the image count, as in Caffe. Shapes as `max_pool`."""
    return _pool(x, stride, 3, jnp.add, 0.0) / 9


def _pool(x: Array, stride: int, window: int, combine: Callable, outside: float) -> Array:
    for axis in (1, 2):
        reach = ((window - 1) // 2, window // 2)
        padding = [reach if a == axis else (0, 0) for a in range(4)]
        padded = jnp.pad(x, padding, constant_values=outside)
        last = x.shape[axis] - 1
        slices = [
            lax.slice_in_dim(padded, shift, shift + last + 1, stride, axis)
            for shift in range(window)
        ]
        x = functools.reduce(combine, slices)
    return x
