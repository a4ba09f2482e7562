"""Convolution whose gradients, and with many channels all of it, are computed fast on CPUs.

On other platforms it is XLA's convolution, and so are its gradients.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
from jax import lax

from ubernet_jax.ops import onednn, winograd
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
    return _convolve(x, kernel, dilation)


def convolve_padded(
    x: Array,
    kernel: Array,
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    *,
    rhs_dilation: Sequence[int],
    **settings: Any,
) -> Array:
    """`lax.conv_general_dilated` as an argument of `nn.Conv`, fast on CPUs where a method suits.

    Only convolutions with stride 1 that keep the image size are fast.
    """
    margin = padding_of(kernel, rhs_dilation[0])
    same = [*strides, *rhs_dilation] == [1, 1] + [rhs_dilation[0]] * 2 and len(kernel) % 2 == 1
    if same and list(padding) == [(margin, margin)] * 2 and _choose(x, kernel) is not STRIPS:
        return _convolve(x, kernel, rhs_dilation[0])
    settings |= {'rhs_dilation': rhs_dilation}
    return lax.conv_general_dilated(x, kernel, strides, padding, **settings)


class Method(NamedTuple):
    """A way to compute the convolution and its gradients on a CPU.

    Attributes:
      convolve: function of x, the kernel and the dilation.
      image_gradient: function of the kernel, the cotangent and the dilation.
      kernel_gradient: function of x, the kernel, the cotangent and the dilation.
    """

    convolve: Callable[[Array, Array, int], Array]
    image_gradient: Callable[[Array, Array, int], Array]
    kernel_gradient: Callable[[Array, Array, Array, int], Array]


def _plain(x: Array, kernel: Array, dilation: int) -> Array:
    padding = padding_of(kernel, dilation)
    return convolve_rows(x, kernel, dilation, (padding, padding))


def _plain_image_gradient(kernel: Array, cotangent: Array, dilation: int) -> Array:
    x = jax.ShapeDtypeStruct((*cotangent.shape[:3], kernel.shape[2]), cotangent.dtype)
    return jax.linear_transpose(lambda x: _plain(x, kernel, dilation), x)(cotangent)[0]


STRIPS = Method(_plain, _plain_image_gradient, kernel_gradient_in_strips)
ONEDNN = Method(
    onednn.convolve,
    lambda kernel, cotangent, dilation: onednn.convolve(
        cotangent, kernel[::-1, ::-1], dilation, transposed=True
    ),
    kernel_gradient_by_products,
)
WINOGRAD = Method(winograd.convolve, winograd.image_gradient, winograd.kernel_gradient)


def _choose(x: Array, kernel: Array) -> Method:
    """Returns the fastest method for these arrays on this CPU; decided while tracing."""
    if onednn.usable(x, kernel):
        return ONEDNN
    return WINOGRAD if winograd.suits(x, kernel) else STRIPS


def _forward(x: Array, kernel: Array, dilation: int) -> tuple[Array, tuple[Array, Array]]:
    return _convolve(x, kernel, dilation), (x, kernel)


def _backward(
    dilation: int, residuals: tuple[Array, Array], cotangent: Array
) -> tuple[Array, Array]:
    method = _choose(*residuals)

    def on_cpu(x: Array, kernel: Array, cotangent: Array) -> tuple[Array, Array]:
        x_gradient = method.image_gradient(kernel, cotangent, dilation)
        return x_gradient, method.kernel_gradient(x, kernel, cotangent, dilation)

    def elsewhere(x: Array, kernel: Array, cotangent: Array) -> tuple[Array, Array]:
        return jax.vjp(lambda x, kernel: _plain(x, kernel, dilation), x, kernel)[1](cotangent)

    x, kernel = tie_to_cotangent(cotangent, residuals)
    return lax.platform_dependent(x, kernel, cotangent, cpu=on_cpu, default=elsewhere)


def _on_platform(x: Array, kernel: Array, dilation: int) -> Array:
    method = _choose(x, kernel)
    return lax.platform_dependent(
        x,
        kernel,
        cpu=lambda x, kernel: method.convolve(x, kernel, dilation),
        default=lambda x, kernel: _plain(x, kernel, dilation),
    )


_convolve = jax.custom_vjp(_on_platform, nondiff_argnums=(2,))
_convolve.defvjp(_forward, _backward)
