"""Convolution whose gradients are matrix products, for layers inside `lax.cond`.

On a CPU, XLA's own convolution gradients are up to a hundred times as slow inside control flow as
outside (jax issue 12868).
"""

import functools

import jax
import jax.numpy as jnp
from jax import lax

Array = jax.Array


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def convolve(x: Array, kernel: Array, stride: int = 1, dilation: int = 1) -> Array:
    """Convolves as `lax.conv_general_dilated` does.

    Args:
      x: (N, h, w, c).
      kernel: (k, k, c, d), k odd.
      stride: rows and columns of `x` per row and column of the result.
      dilation: rows and columns of `x` between two taps of the kernel.

    Returns:
      (N, ceil(h / stride), ceil(w / stride), d): dilation * (k // 2) zeros pad every side.
    """
    padding = dilation * (kernel.shape[0] // 2)
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(stride, stride),
        padding=[(padding, padding)] * 2,
        rhs_dilation=(dilation, dilation),
        dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    )


def _forward(
    x: Array, kernel: Array, stride: int, dilation: int
) -> tuple[Array, tuple[Array, Array]]:
    return convolve(x, kernel, stride, dilation), (x, kernel)


def _backward(
    stride: int, dilation: int, residuals: tuple[Array, Array], cotangent: Array
) -> tuple[Array, Array]:
    _, gradients = jax.vjp(lambda *both: _sum_of_taps(*both, stride, dilation), *residuals)
    return gradients(cotangent)


convolve.defvjp(_forward, _backward)


def _sum_of_taps(x: Array, kernel: Array, stride: int, dilation: int) -> Array:
    """The same function as k x k products of shifted slices of `x` with (c, d) matrices."""
    size = kernel.shape[0]
    padding = dilation * (size // 2)
    padded = jnp.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    height, width = x.shape[1:3]
    total = 0.0
    for row in range(size):
        for column in range(size):
            top, left = row * dilation, column * dilation
            shifted = padded[:, top : top + height : stride, left : left + width : stride]
            total = total + shifted @ kernel[row, column]
    return total
