"""Product of features and a kernel, in bfloat16 fast on CPUs with AMX.

Values and gradients are those of `x @ kernel`, up to bfloat16's rounding. The residuals are the
arguments, as those of `x @ kernel`. It is not in `custom_vjp` because `conv_as_matmuls` uses it.
"""

import math
from typing import Any

import jax
from jax import lax

from ubernet_jax.ops import onednn

Array = jax.Array


def product(x: Array, kernel: Array) -> Array:
    """Multiplies x (..., c) by a kernel (c, d); the result (..., d) has their dtype."""
    return _product(x, kernel) if onednn.usable(x, kernel) else x @ kernel


def dense_product(x: Array, kernel: Array, *dimensions: Any, **settings: Any) -> Array:
    """`product` as the argument `dot_general` of `nn.Dense`, whose dimensions are always these."""
    if onednn.usable(x, kernel):
        return _product(x, kernel)
    return lax.dot_general(x, kernel, *dimensions, **settings)


def _fast(x: Array, kernel: Array) -> Array:
    matrix = _matrix(x)
    result = lax.platform_dependent(
        matrix,
        kernel,
        cpu=lambda x, kernel: onednn.multiply(x, kernel, x.dtype),
        default=lambda x, kernel: x @ kernel,
    )
    return result.reshape(*x.shape[:-1], -1)


def _forward(x: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    return _product(x, kernel), (x, kernel)


def _backward(residuals: tuple[Array, Array], cotangent: Array) -> tuple[Array, Array]:
    x, kernel = residuals

    def on_cpu(x: Array, kernel: Array, cotangent: Array) -> tuple[Array, Array]:
        x_gradient = onednn.multiply(cotangent, kernel, x.dtype, transpose_b=True)
        return x_gradient, onednn.multiply(x, cotangent, kernel.dtype, transpose_a=True)

    def elsewhere(x: Array, kernel: Array, cotangent: Array) -> tuple[Array, Array]:
        return cotangent @ kernel.T, x.T @ cotangent

    x_gradient, kernel_gradient = lax.platform_dependent(
        _matrix(x), kernel, _matrix(cotangent), cpu=on_cpu, default=elsewhere
    )
    return x_gradient.reshape(x.shape), kernel_gradient


def _matrix(x: Array) -> Array:
    """Reshapes x (..., c) to (n, c)."""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


_product = jax.custom_vjp(_fast)
_product.defvjp(_forward, _backward)
