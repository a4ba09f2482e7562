"""A plain XLA convolution whose rows of padding are given: what `ops/custom_vjp` differentiates."""

import jax
from jax import lax

Array = jax.Array


def padding_of(kernel: Array, dilation: int) -> int:
    """Zeros on every side that keep an image's size under a kernel (k, k, c, d), k odd."""
    return dilation * (len(kernel) // 2)


def convolve_rows(x: Array, kernel: Array, dilation: int, rows: tuple[int, int]) -> Array:
    """Convolves (N, h, w, c) with (k, k, c, d); columns are padded so that the width stays.

    Args:
      x: the image.
      kernel: its weights.
      dilation: rows and columns of `x` between two positions of the kernel.
      rows: rows of zeros above and below.
    """
    columns = padding_of(kernel, dilation)
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(1, 1),
        padding=[rows, (columns, columns)],
        rhs_dilation=(dilation, dilation),
        dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    )
