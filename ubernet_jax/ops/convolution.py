"""Convolutions whose gradients are fast on a CPU too: XLA's own are at times many times as slow."""

import functools
import itertools

import jax
import jax.numpy as jnp
from jax import lax

from ubernet_jax.ops.residuals import known_with

Array = jax.Array

# Places of the result in a strip: XLA:CPU takes twice as long with 100,000 (benchmarks/README.md);
# and strips at most, for each is compiled.
_STRIP, _STRIPS = 1300, 40


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def convolve(x: Array, kernel: Array, dilation: int = 1) -> Array:
    """Convolves as `lax.conv_general_dilated` does; the result has the size of `x`.

    On a CPU the kernel's gradient is summed over strips of the image.

    Args:
      x: (N, h, w, c).
      kernel: (k, k, c, d), k odd.
      dilation: rows and columns of `x` between two taps of the kernel.

    Returns:
      (N, h, w, d): dilation * (k // 2) zeros pad every side.
    """
    margin = _margin(kernel, dilation)
    return _convolve(x, kernel, dilation, (margin, margin))


def _forward(x: Array, kernel: Array, dilation: int) -> tuple[Array, tuple[Array, Array]]:
    return convolve(x, kernel, dilation), (x, kernel)


def _backward(
    dilation: int, residuals: tuple[Array, Array], cotangent: Array
) -> tuple[Array, Array]:
    x, kernel = residuals
    x = known_with(cotangent, x)
    margin = _margin(kernel, dilation)
    _, x_gradient = jax.vjp(lambda x: _convolve(x, kernel, dilation, (margin, margin)), x)

    def sum_over_strips(count: int, x: Array, cotangent: Array) -> Array:
        height = x.shape[1]
        edges = [round(height * part / count) for part in range(count + 1)]
        total = jnp.zeros(kernel.shape, jnp.float32)
        for top, bottom in itertools.pairwise(edges):
            first, last = max(0, top - margin), min(height, bottom + margin)
            zeros = first - (top - margin), bottom + margin - last
            strip = x[:, first:last]
            _, gradient = jax.vjp(
                lambda k, strip=strip, zeros=zeros: _convolve(strip, k, dilation, zeros), kernel
            )
            total += gradient(cotangent[:, top:bottom])[0].astype(jnp.float32)
        return total.astype(kernel.dtype)

    places, rows = cotangent.size // cotangent.shape[-1], x.shape[1]
    kernel_gradient = lax.platform_dependent(
        x,
        cotangent,
        cpu=functools.partial(sum_over_strips, min(rows, _STRIPS, -(-places // _STRIP))),
        default=functools.partial(sum_over_strips, 1),
    )
    return *x_gradient(cotangent), kernel_gradient


convolve.defvjp(_forward, _backward)


def sum_of_taps(x: Array, kernel: Array, dilation: int = 1, stride: int = 1) -> Array:
    """Convolves as k x k matrix products, each of the part of `x` that its tap sees.

    For layers inside `lax.cond`, where XLA's gradients of convolutions are up to a hundred times as
    slow as outside (jax issue 12868); and for large dilations, where most taps see more padding
    than image.

    Args:
      x: (N, h, w, c).
      kernel: (k, k, c, d), k odd.
      dilation: rows and columns of `x` between two taps of the kernel.
      stride: rows and columns of `x` per row and column of the result.

    Returns:
      (N, ceil(h / stride), ceil(w / stride), d): dilation * (k // 2) zeros pad every side.
    """
    size, sides = len(kernel), x.shape[1:3]
    height, width = (-(-side // stride) for side in sides)
    total = jnp.zeros((len(x), height, width, kernel.shape[-1]), x.dtype)
    for row, column in itertools.product(range(size), repeat=2):
        offsets = (dilation * (place - size // 2) for place in (row, column))
        (top, rows), (left, columns) = (
            _overlap(offset, side, stride) for offset, side in zip(offsets, sides, strict=True)
        )
        seen = x[:, rows, columns]
        if seen.size:
            bottom, right = top + seen.shape[1], left + seen.shape[2]
            total = total.at[:, top:bottom, left:right].add(seen @ kernel[row, column])
    return total


def _margin(kernel: Array, dilation: int) -> int:
    return dilation * (len(kernel) // 2)


def _convolve(x: Array, kernel: Array, dilation: int, rows: tuple[int, int]) -> Array:
    """With so many rows of zeros above and below, and as many columns as keep the width."""
    columns = _margin(kernel, dilation)
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(1, 1),
        padding=[rows, (columns, columns)],
        rhs_dilation=(dilation, dilation),
        dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    )


def _overlap(offset: int, side: int, stride: int) -> tuple[int, slice]:
    """The first place of the result where a tap sees the image, and all of it that the tap sees."""
    first = max(0, -(offset // stride))
    return first, slice(first * stride + offset, max(0, side + min(0, offset)), stride)
