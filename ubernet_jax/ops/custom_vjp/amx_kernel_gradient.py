"""Gradient of a convolution's kernel for CPUs with AMX, by one matrix product per kernel position.

The products of a strip of rows follow each other, so that the strip stays in the cache; sums are
float32.
"""

import itertools

import jax
import jax.numpy as jnp

from ubernet_jax.ops import onednn
from ubernet_jax.ops.padded_convolution import padding_of

Array = jax.Array

STRIP_VALUES = 2**19  # values of the image per strip, 1 MiB
MAX_STRIPS = 40  # limits the compilation time, because each strip is compiled separately


def kernel_gradient_by_products(x: Array, kernel: Array, cotangent: Array, dilation: int) -> Array:
    """Computes the gradient (k, k, c, d) of `convolution.convolve` with respect to its kernel.

    Args:
      x: bfloat16 (N, h, w, c).
      kernel: (k, k, c, d), k odd.
      cotangent: bfloat16 (N, h, w, d), cotangent of the result.
      dilation: distance in pixels of `x` between two positions of the kernel.
    """
    padding, (_, height, width, channels) = padding_of(kernel, dilation), x.shape
    count = min(height, MAX_STRIPS, -(-x.size // STRIP_VALUES))
    edges = [round(height * strip / count) for strip in range(count + 1)]
    x = jnp.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    offsets = [dilation * index for index in range(len(kernel))]

    def strip_gradient(top: int, bottom: int) -> Array:
        rows = cotangent[:, top:bottom].reshape(-1, cotangent.shape[-1])
        windows = (
            x[:, top + row : bottom + row, column : column + width].reshape(-1, channels)
            for row, column in itertools.product(offsets, repeat=2)
        )
        products = [onednn.multiply(y, rows, jnp.float32, transpose_a=True) for y in windows]
        return jnp.stack(products)

    total = sum(strip_gradient(top, bottom) for top, bottom in itertools.pairwise(edges))
    return jnp.asarray(total).reshape(kernel.shape).astype(kernel.dtype)
