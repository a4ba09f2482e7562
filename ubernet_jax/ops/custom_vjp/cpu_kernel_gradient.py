"""CPU only: the gradient of a convolution's kernel, summed over strips of the image.

XLA:CPU takes twice as long for the whole of a large map at once (docs/what_did_not_help.md has what
else was tried). Other platforms run XLA's gradient, see `convolution`.
"""

import itertools

import jax
import jax.numpy as jnp

from ubernet_jax.ops.padded_convolution import convolve_rows, padding_of

Array = jax.Array

_STRIP_POSITIONS = 1300  # output positions in a strip
_MOST_STRIPS = 40  # each strip is compiled separately


def kernel_gradient_in_strips(x: Array, kernel: Array, cotangent: Array, dilation: int) -> Array:
    """The gradient (k, k, c, d) of `convolution.convolve` with respect to its kernel.

    Args:
      x: (N, h, w, c).
      kernel: (k, k, c, d), k odd.
      cotangent: (N, h, w, d).
      dilation: rows and columns of `x` between two positions of the kernel.
    """
    padding, height = padding_of(kernel, dilation), x.shape[1]
    positions = cotangent.size // cotangent.shape[-1]
    count = min(height, _MOST_STRIPS, -(-positions // _STRIP_POSITIONS))
    edges = [round(height * strip / count) for strip in range(count + 1)]

    def gradient(top: int, bottom: int) -> Array:
        first, last = max(0, top - padding), min(height, bottom + padding)
        missing = first - (top - padding), bottom + padding - last
        _, pull_back = jax.vjp(
            lambda kernel: convolve_rows(x[:, first:last], kernel, dilation, missing), kernel
        )
        return pull_back(cotangent[:, top:bottom])[0].astype(jnp.float32)

    total = jnp.zeros(kernel.shape, jnp.float32)
    for top, bottom in itertools.pairwise(edges):
        total += gradient(top, bottom)
    return total.astype(kernel.dtype)
