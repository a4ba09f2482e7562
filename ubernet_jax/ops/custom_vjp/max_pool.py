"""Max pooling whose backward pass needs only its argument and its result."""

import functools

import jax
import jax.numpy as jnp
from jax import lax

from ubernet_jax.ops.custom_vjp.barrier import tie_to_cotangent
from ubernet_jax.ops.pooling import shifted_slices

Array = jax.Array


def max_pool(x: Array, stride: int, window: int = 3) -> Array:
    """Computes the maximum over square windows; ties share the gradient.

    Args:
      x: (N, H, W, C).
      stride: stride of the windows; sides stride * k + 1 become k + 1.
      window: side of the windows. A window of even size extends farther to the right and down, as
        with TensorFlow's padding.
    """
    return _max_pool(x, stride, window)


def _pool(x: Array, stride: int, window: int) -> Array:
    """Pools rows, then columns."""
    return _pool_axis(_pool_axis(x, 1, stride, window), 2, stride, window)


def _forward(x: Array, stride: int, window: int) -> tuple[Array, tuple[Array, Array]]:
    result = _max_pool(x, stride, window)
    return result, (x, result)


def _backward(
    stride: int, window: int, residuals: tuple[Array, Array], cotangent: Array
) -> tuple[Array]:
    arrays = *tie_to_cotangent(cotangent, residuals), cotangent

    def gradient(x: Array, result: Array, cotangent: Array) -> Array:
        pooled_rows = _pool_axis(x, 1, stride, window)
        cotangent = _unpool_axis(pooled_rows, result, cotangent, 2, stride, window)
        return _unpool_axis(x, pooled_rows, cotangent, 1, stride, window)

    def in_float32(x: Array, result: Array, cotangent: Array) -> Array:
        arrays = (array.astype(jnp.float32) for array in (x, result, cotangent))
        return gradient(*arrays).astype(x.dtype)

    if cotangent.dtype == jnp.float32:
        return (gradient(*arrays),)
    # XLA:CPU rounds every sum and quotient of bfloat16, which takes five times as long or more.
    return (lax.platform_dependent(*arrays, cpu=in_float32, default=gradient),)


_max_pool = jax.custom_vjp(_pool, nondiff_argnums=(1, 2))
_max_pool.defvjp(_forward, _backward)


def _pool_axis(x: Array, axis: int, stride: int, window: int) -> Array:
    return functools.reduce(jnp.maximum, shifted_slices(x, axis, stride, window, -jnp.inf))


def _unpool_axis(
    x: Array, maxima: Array, cotangent: Array, axis: int, stride: int, window: int
) -> Array:
    """Computes the gradient of `_pool_axis` with respect to `x`.

    Each maximum's cotangent is divided equally among the elements of its window that equal it.

    Args:
      x: argument of `_pool_axis`.
      maxima: result of `_pool_axis`.
      cotangent: cotangent of the result.
      axis: axis that was pooled.
      stride: stride of the windows.
      window: size of the windows.
    """
    is_maximum = [part == maxima for part in shifted_slices(x, axis, stride, window, -jnp.inf)]
    ties = functools.reduce(jnp.add, [mask.astype(x.dtype) for mask in is_maximum])
    shared_cotangent = cotangent / ties
    # Elements of x from the centre of the first window to the centre of the last.
    span = (maxima.shape[axis] - 1) * stride + 1
    gradient = jnp.zeros_like(x)
    for shift, mask in enumerate(is_maximum):
        before = shift - (window - 1) // 2
        padding = [(0, 0, 0)] * x.ndim
        padding[axis] = (before, x.shape[axis] - span - before, stride - 1)
        gradient += lax.pad(jnp.where(mask, shared_cotangent, 0), jnp.zeros((), x.dtype), padding)
    return gradient
