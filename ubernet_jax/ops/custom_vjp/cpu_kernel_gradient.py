"""Gradient of a convolution's kernel for CPUs, summed over strips of the image.

XLA:CPU takes twice as long if a large map is not divided; docs/what_did_not_help.md lists what else
was tried. Other platforms use XLA's gradient: see `convolution`.
"""

import itertools

import jax
import jax.numpy as jnp

from ubernet_jax.ops.padded_convolution import convolve_rows, padding_of

Array = jax.Array

STRIP_POSITIONS = 1300  # output positions per strip
MAX_STRIPS = 40  # limits the compilation time, because each strip is compiled separately


def kernel_gradient_in_strips(x: Array, kernel: Array, cotangent: Array, dilation: int) -> Array:
    """Computes the gradient (k, k, c, d) of `convolution.convolve` with respect to its kernel.

    Args:
      x: (N, h, w, c).
      kernel: (k, k, c, d), k odd.
      cotangent: (N, h, w, d), cotangent of the result.
      dilation: distance in pixels of `x` between two positions of the kernel.
    """
    padding, height = padding_of(kernel, dilation), x.shape[1]
    positions = cotangent.size // cotangent.shape[-1]
    count = min(height, MAX_STRIPS, -(-positions // STRIP_POSITIONS))
    edges = [round(height * strip / count) for strip in range(count + 1)]

    def strip_gradient(top: int, bottom: int) -> Array:
        first, last = max(0, top - padding), min(height, bottom + padding)
        row_padding = first - (top - padding), bottom + padding - last
        _, pull_back = jax.vjp(
            lambda kernel: convolve_rows(x[:, first:last], kernel, dilation, row_padding), kernel
        )
        return pull_back(cotangent[:, top:bottom])[0].astype(jnp.float32)

    total = jnp.zeros(kernel.shape, jnp.float32)
    for top, bottom in itertools.pairwise(edges):
        total += strip_gradient(top, bottom)
    return total.astype(kernel.dtype)
