"""Convolution whose kernel gradient is fast on CPUs, and in bfloat16 all of it on CPUs with AMX."""

from collections.abc import Sequence
from typing import Any

import jax
from jax import lax

from ubernet_jax.ops import onednn
from ubernet_jax.ops.custom_vjp.amx_kernel_gradient import kernel_gradient_by_products
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
    return (_convolve_on_amx if onednn.usable(x, kernel) else _convolve)(x, kernel, dilation)


def convolve_padded(
    x: Array,
    kernel: Array,
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    *,
    rhs_dilation: Sequence[int],
    **settings: Any,
) -> Array:
    """`lax.conv_general_dilated` as an argument of `nn.Conv`, fast in bfloat16 on CPUs with AMX.

    Only convolutions with stride 1 that keep the image size are fast.
    """
    margin = padding_of(kernel, rhs_dilation[0])
    same = [*strides, *rhs_dilation] == [1, 1] + [rhs_dilation[0]] * 2 and len(kernel) % 2 == 1
    if same and list(padding) == [(margin, margin)] * 2 and onednn.usable(x, kernel):
        return _convolve_on_amx(x, kernel, rhs_dilation[0])
    settings |= {'rhs_dilation': rhs_dilation}
    return lax.conv_general_dilated(x, kernel, strides, padding, **settings)


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


def _on_amx(x: Array, kernel: Array, dilation: int) -> Array:
    return lax.platform_dependent(
        x,
        kernel,
        cpu=lambda x, kernel: onednn.convolve(x, kernel, dilation),
        default=lambda x, kernel: _plain(x, kernel, dilation),
    )


def _forward_on_amx(x: Array, kernel: Array, dilation: int) -> tuple[Array, tuple[Array, Array]]:
    return _convolve_on_amx(x, kernel, dilation), (x, kernel)


def _backward_on_amx(
    dilation: int, residuals: tuple[Array, Array], cotangent: Array
) -> tuple[Array, Array]:
    def on_cpu(x: Array, kernel: Array, cotangent: Array) -> tuple[Array, Array]:
        x_gradient = onednn.convolve(cotangent, kernel[::-1, ::-1], dilation, transposed=True)
        return x_gradient, kernel_gradient_by_products(x, kernel, cotangent, dilation)

    def elsewhere(x: Array, kernel: Array, cotangent: Array) -> tuple[Array, Array]:
        return jax.vjp(lambda x, kernel: _plain(x, kernel, dilation), x, kernel)[1](cotangent)

    residuals = tie_to_cotangent(cotangent, residuals)
    return lax.platform_dependent(*residuals, cotangent, cpu=on_cpu, default=elsewhere)


_convolve_on_amx = jax.custom_vjp(_on_amx, nondiff_argnums=(2,))
_convolve_on_amx.defvjp(_forward_on_amx, _backward_on_amx)
