"""Convolution whose kernel gradient is fast on a CPU too."""

import functools

import jax
from jax import lax

from ubernet_jax.ops.custom_vjp.barrier import tie_to_cotangent
from ubernet_jax.ops.custom_vjp.cpu_kernel_gradient import kernel_gradient_in_strips
from ubernet_jax.ops.padded_convolution import convolve_rows, padding_of

Array = jax.Array


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def convolve(x: Array, kernel: Array, dilation: int = 1) -> Array:
    """Convolves as `lax.conv_general_dilated` does; the result has the size of `x`.

    Args:
      x: (N, h, w, c).
      kernel: (k, k, c, d), k odd.
      dilation: rows and columns of `x` between two positions of the kernel.

    Returns:
      (N, h, w, d): dilation * (k // 2) zeros pad every side.
    """
    padding = padding_of(kernel, dilation)
    return convolve_rows(x, kernel, dilation, (padding, padding))


def _forward(x: Array, kernel: Array, dilation: int) -> tuple[Array, tuple[Array, Array]]:
    return convolve(x, kernel, dilation), (x, kernel)


def _backward(
    dilation: int, residuals: tuple[Array, Array], cotangent: Array
) -> tuple[Array, Array]:
    x, kernel = residuals
    x = tie_to_cotangent(cotangent, x)
    padding = padding_of(kernel, dilation)

    def plain(x: Array, kernel: Array) -> Array:
        return convolve_rows(x, kernel, dilation, (padding, padding))

    def kernel_gradient(x: Array, cotangent: Array) -> Array:
        _, pull_back = jax.vjp(lambda kernel: plain(x, kernel), kernel)
        return pull_back(cotangent)[0]

    def in_strips(x: Array, cotangent: Array) -> Array:
        return kernel_gradient_in_strips(x, kernel, cotangent, dilation)

    _, pull_back = jax.vjp(lambda x: plain(x, kernel), x)
    (x_gradient,) = pull_back(cotangent)
    return x_gradient, lax.platform_dependent(x, cotangent, cpu=in_strips, default=kernel_gradient)


convolve.defvjp(_forward, _backward)
