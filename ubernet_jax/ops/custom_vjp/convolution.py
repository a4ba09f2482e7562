"""Convolution whose kernel gradient is fast on CPUs."""

import jax
from jax import lax

from ubernet_jax.ops.custom_vjp.barrier import tie_to_cotangent
from ubernet_jax.ops.custom_vjp.cpu_kernel_gradient import kernel_gradient_in_strips
from ubernet_jax.ops.padded_convolution import convolve_rows, padding_of

Array = jax.Array


def convolve(x: Array, kernel: Array, dilation: int = 1) -> Array:
    """Convolves with stride 1 and zero padding; the result has the image size of `x`.

    Args:
      x: (N, h, w, c).
      kernel: (k, k, c, d), k odd.
      dilation: distance in pixels of `x` between two positions of the kernel.

    Returns:
      (N, h, w, d); the zero padding is dilation * (k // 2) on every side.
    """
    return _convolve(x, kernel, dilation)


def _plain(x: Array, kernel: Array, dilation: int) -> Array:
    padding = padding_of(kernel, dilation)
    return convolve_rows(x, kernel, dilation, (padding, padding))


def _forward(x: Array, kernel: Array, dilation: int) -> tuple[Array, tuple[Array, Array]]:
    return _convolve(x, kernel, dilation), (x, kernel)


def _backward(
    dilation: int, residuals: tuple[Array, Array], cotangent: Array
) -> tuple[Array, Array]:
    x, kernel = residuals
    x = tie_to_cotangent(cotangent, x)

    def kernel_gradient(x: Array, cotangent: Array) -> Array:
        _, pull_back = jax.vjp(lambda kernel: _plain(x, kernel, dilation), kernel)
        return pull_back(cotangent)[0]

    def kernel_gradient_on_cpu(x: Array, cotangent: Array) -> Array:
        return kernel_gradient_in_strips(x, kernel, cotangent, dilation)

    _, pull_back = jax.vjp(lambda x: _plain(x, kernel, dilation), x)
    (x_gradient,) = pull_back(cotangent)
    return x_gradient, lax.platform_dependent(
        x, cotangent, cpu=kernel_gradient_on_cpu, default=kernel_gradient
    )


_convolve = jax.custom_vjp(_plain, nondiff_argnums=(2,))
_convolve.defvjp(_forward, _backward)
