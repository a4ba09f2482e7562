"""Gradient of a convolution's kernel for CPUs with AMX, by one matrix product per kernel position.

The products of a strip of rows follow each other in a loop. Without the loop, XLA cuts out the
windows of all strips first: ten times the memory of the image, and half the speed.
"""

import itertools

import jax
import jax.numpy as jnp
from jax import lax

from ubernet_jax.ops import onednn
from ubernet_jax.ops.padded_convolution import padding_of

Array = jax.Array

# Output positions per strip: its windows should stay in the cache, and its products must outweigh
# the addition of the gradient, which has k * k * c * d values.
STRIP_POSITIONS = 1500


def kernel_gradient_by_products(x: Array, kernel: Array, cotangent: Array, dilation: int) -> Array:
    """Computes the gradient (k, k, c, d) of `convolution.convolve` with respect to its kernel.

    Args:
      x: bfloat16 (N, h, w, c).
      kernel: (k, k, c, d), k odd.
      cotangent: bfloat16 (N, h, w, d), cotangent of the result.
      dilation: distance in pixels of `x` between two positions of the kernel.
    """
    padding, (images, height, width, channels) = padding_of(kernel, dilation), x.shape
    strips = min(height, -(-images * height * width // STRIP_POSITIONS))
    rows = -(-height // strips)
    strips = -(-height // rows)
    below = strips * rows - height  # rows of zeros, which add nothing
    x = jnp.pad(x, ((0, 0), (padding, padding + below), (padding, padding), (0, 0)))
    cotangent = jnp.pad(cotangent, ((0, 0), (0, below), (0, 0), (0, 0)))
    offsets = [dilation * index for index in range(len(kernel))]

    def add_strip(strip: Array, total: Array) -> Array:
        image = lax.dynamic_slice_in_dim(x, strip * rows, rows + 2 * padding, 1)
        strip_cotangent = lax.dynamic_slice_in_dim(cotangent, strip * rows, rows, 1)
        strip_cotangent = strip_cotangent.reshape(-1, cotangent.shape[-1])
        windows = (
            image[:, row : row + rows, column : column + width].reshape(-1, channels)
            for row, column in itertools.product(offsets, repeat=2)
        )
        products = [
            onednn.multiply(window, strip_cotangent, jnp.float32, transpose_a=True)
            for window in windows
        ]
        return total + jnp.stack(products)

    total = jnp.zeros((kernel[..., 0, 0].size, *kernel.shape[2:]), jnp.float32)
    total = lax.fori_loop(0, strips, add_strip, total)
    return total.reshape(kernel.shape).astype(kernel.dtype)
