"""A plain XLA convolution with explicit row padding, which `ops/custom_vjp` differentiates."""

import jax
from jax import lax

Array = jax.Array


def padding_of(kernel: Array, dilation: int) -> int:
    """Returns the padding with which a kernel (k, k, c, d), k odd, keeps the image size."""
    return dilation * (len(kernel) // 2)


def convolve_rows(x: Array, kernel: Array, dilation: int, rows: tuple[int, int]) -> Array:
    """Convolves an image; the width is kept by zero padding.

    Args:
      x: (N, h, w, c).
      kernel: (k, k, c, d).
      dilation: distance in pixels of `x` between two positions of the kernel.
      rows: numbers of rows of zero padding above and below.
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
