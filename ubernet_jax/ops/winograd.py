"""Convolution with kernels of 3x3 by Winograd's minimal filtering, F(2x2, 3x3), for CPUs.

Four outputs take 16 multiplications instead of 36 (Lavin and Gray, arXiv 1509.09308): tiles of 4x4
pixels, which overlap by two, and the kernel are transformed, multiplied position by position, and
transformed back. The constants are 0, 1 and 1/2, so that rounding errors in float32 are as small as
those of a plain convolution. The transformations are paid for by the matrix products if there are
many channels: see `suits`.

The gradient of the image is a convolution, too. That of the kernel is the transposed algorithm.
"""

import functools
import itertools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Array = jax.Array

# With fewer channels or pixels, transforming the image or the kernel costs more than it saves.
MIN_CHANNELS = 256
MIN_PIXELS = 1000
TILE, STEP = 4, 2  # side of a tile, and distance between two of them, in pixels
IMAGE = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
KERNEL = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
RESULT = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])


def suits(x: Array, kernel: Array) -> bool:
    """Whether the functions of this module take these arrays, and gain time."""
    return (
        x.dtype == kernel.dtype == jnp.float32
        and kernel.shape[:2] == (3, 3)
        and min(kernel.shape[2:]) >= MIN_CHANNELS
        and x[..., 0].size >= MIN_PIXELS
    )


def convolve(x: Array, kernel: Array, dilation: int) -> Array:
    """Convolves x (N, h, w, c) with a kernel (3, 3, c, d), padded by zeros; (N, h, w, d)."""
    # Without the barrier, the kernels of all layers would be transformed first, and kept.
    x, kernel = lax.optimization_barrier((x, kernel))
    return _by_phase(lambda x: _convolve(x, _transform_kernel(kernel), 0), x, dilation)


def image_gradient(kernel: Array, cotangent: Array, dilation: int) -> Array:
    """The gradient (N, h, w, c) for the cotangent (N, h, w, d) of the convolution's result."""
    parts = _transform_kernel(kernel[::-1, ::-1])
    return _by_phase(lambda x: _convolve(x, parts, 1), cotangent, dilation)


def kernel_gradient(x: Array, kernel: Array, cotangent: Array, dilation: int) -> Array:
    """The gradient of the kernel (3, 3, c, d), for x (N, h, w, c) and a cotangent (N, h, w, d)."""
    x, cotangent = (_split_phases(array, dilation) for array in (x, cotangent))
    parts = _transform(RESULT.T, _pixels(cotangent, STEP))
    products = [
        _matrix(tile).T @ _matrix(part)
        for tile, part in zip(_transform(IMAGE, _pixels(x, TILE)), parts, strict=True)
    ]
    return jnp.stack(_transform(KERNEL.T, products)).reshape(kernel.shape)


def _by_phase(function: Callable[[Array], Array], x: Array, dilation: int) -> Array:
    """Applies a function of an image to each of the dilation**2 images of every dilation-th pixel.

    A dilated convolution is a plain one of each of these images.
    """
    y = function(_split_phases(x, dilation))
    return _join(y.reshape(dilation, dilation, len(x), *y.shape[1:]), x)


def _split_phases(x: Array, dilation: int) -> Array:
    """Returns (dilation**2 * N, ...), the images of every dilation-th pixel; padded with zeros."""
    images, height, width, channels = x.shape
    x = jnp.pad(x, ((0, 0), (0, -height % dilation), (0, -width % dilation), (0, 0)))
    x = x.reshape(images, -(-height // dilation), dilation, -1, dilation, channels)
    return x.transpose(2, 4, 0, 1, 3, 5).reshape(-1, x.shape[1], x.shape[3], channels)


def _convolve(x: Array, kernel_parts: Sequence[Array], contracted: int) -> Array:
    """Convolves x with a transformed kernel, whose axis `contracted` has the channels of x."""
    products = [
        lax.dot_general(_matrix(tile), part, (((1,), (contracted,)), ((), ())))
        for tile, part in zip(_transform(IMAGE, _pixels(x, TILE)), kernel_parts, strict=True)
    ]
    pixels = jnp.stack(_transform(RESULT, products))
    rows, columns = (-(-length // STEP) for length in x.shape[1:3])
    return _join(pixels.reshape(STEP, STEP, len(x), rows, columns, -1), x)


def _join(pixels: Array, x: Array) -> Array:
    """Joins every k-th pixel (k, k, N, rows, columns, d) to an image of the size of x."""
    side, _, images, rows, columns, channels = pixels.shape
    y = pixels.transpose(2, 3, 0, 4, 1, 5)
    y = y.reshape(images, rows * side, columns * side, channels)
    return y[:, : x.shape[1], : x.shape[2]]


def _transform_kernel(kernel: Array) -> list[Array]:
    """Returns the 16 transformed positions (c, d) of a kernel (3, 3, c, d)."""
    return _transform(KERNEL, [kernel[offset] for offset in _pairs(3)])


def _pixels(x: Array, side: int) -> list[Array]:
    """Returns the pixel (N, rows, columns, c) at each position of squares of `side` pixels.

    The squares lie STEP pixels apart; those of the whole image (N, h, w, c), with a margin of zeros
    if they overlap.
    """
    margin = (side - STEP) // 2
    rows, columns = (-(-length // STEP) for length in x.shape[1:3])
    below, right = (margin + -length % STEP for length in x.shape[1:3])
    x = jnp.pad(x, ((0, 0), (margin, below), (margin, right), (0, 0)))
    return [
        x[:, row : row + STEP * rows - 1 : STEP, column : column + STEP * columns - 1 : STEP]
        for row, column in _pairs(side)
    ]


def _transform(matrix: np.ndarray, values: Sequence[Array]) -> list[Array]:
    """Applies a matrix (n, m) to both axes of m * m arrays; returns n * n arrays."""
    count, size = matrix.shape
    columns = [values[column::size] for column in range(size)]
    half = [[_combine(row, column) for column in columns] for row in matrix]
    return [_combine(row, values) for values in half for row in matrix]


def _combine(weights: Sequence[float], values: Sequence[Array]) -> Array:
    """The sum of the values with these weights, without those of weight 0."""
    terms = (
        value if weight == 1 else -value if weight == -1 else weight * value
        for weight, value in zip(weights, values, strict=True)
        if weight
    )
    return functools.reduce(jnp.add, terms)


def _pairs(count: int) -> itertools.product:
    return itertools.product(range(count), repeat=2)


def _matrix(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])
