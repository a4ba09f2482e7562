"""Max pooling, padded so that every `stride`-th pixel has its window; separable."""

import functools

import jax
import jax.numpy as jnp
from jax import lax

from ubernet_jax.ops.custom_vjp.barrier import tie_to_cotangent
from ubernet_jax.ops.pooling import shifted_slices

Array = jax.Array


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def max_pool(x: Array, stride: int, window: int = 3) -> Array:
    """Maximum over square windows; ties share the gradient.

    The backward pass finds the largest again from `x` and the result, which a network holds anyway:
    what the slices' own gradients keep takes twice the memory and time.

    Args:
      x: (N, H, W, C).
      stride: of the windows; with sides stride * k + 1 the result's sides are k + 1.
      window: side of the windows; an even one reaches farther right and down, as TensorFlow pads.
    """
    return _largest(_largest(x, 1, stride, window), 2, stride, window)


def _forward(x: Array, stride: int, window: int) -> tuple[Array, tuple[Array, Array]]:
    result = max_pool(x, stride, window)
    return result, (x, result)


def _backward(
    stride: int, window: int, residuals: tuple[Array, Array], cotangent: Array
) -> tuple[Array]:
    x, result = tie_to_cotangent(cotangent, residuals)
    rows = _largest(x, 1, stride, window)
    cotangent = _share(rows, result, cotangent, 2, stride, window)
    return (_share(x, rows, cotangent, 1, stride, window),)


max_pool.defvjp(_forward, _backward)


def _largest(x: Array, axis: int, stride: int, window: int) -> Array:
    return functools.reduce(jnp.maximum, shifted_slices(x, axis, stride, window, -jnp.inf))


def _share(
    x: Array, largest: Array, cotangent: Array, axis: int, stride: int, window: int
) -> Array:
    """Brings a maximum's cotangent back to where in `x` it was found, in equal shares."""
    found = [part == largest for part in shifted_slices(x, axis, stride, window, -jnp.inf)]
    share = cotangent / functools.reduce(jnp.add, [here.astype(x.dtype) for here in found])
    spread = (largest.shape[axis] - 1) * stride + 1
    total = jnp.zeros_like(x)
    for shift, here in enumerate(found):
        before = shift - (window - 1) // 2
        edges = [(0, 0, 0)] * x.ndim
        edges[axis] = (before, x.shape[axis] - spread - before, stride - 1)
        total += lax.pad(jnp.where(here, share, 0), jnp.zeros((), x.dtype), edges)
    return total
