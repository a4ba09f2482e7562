"""Score maps become results on the device, at the photograph's size and in small types.

They are interpolated in strips of rows, which bound the memory and fit into the cache of a CPU. The
width of a strip is rounded up to a few values, so that few programs are compiled.

Shape letters: N images of a batch, H x W pixels of the largest photograph.
"""

import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.ops.interpolate import interpolate_strip
from ubernet_jax.tasks.fixed_point import FixedPoint

Strip = tuple[jax.Array | FixedPoint, ...]  # the arrays of a task
Finish = Callable[[jax.Array], Strip]

ROWS = 128  # of a strip
_SMALLEST = 64  # columns


def padded_width(width: int) -> int:
    """Returns the columns of a strip: at least `width`, with four values from 2**k to 2**(k+1)."""
    step = max(_SMALLEST, 1 << (width - 1).bit_length()) // 8
    return max(_SMALLEST, -(-width // step) * step)


def start_strips(
    finish: Finish,
    scores: jax.Array,
    size: tuple[int, int],
    stride: int,
    image_sizes: np.ndarray,
) -> list[Strip]:
    """Starts the computation of all strips, and does not wait for it.

    Args:
      finish: maps scores (C, rows, columns) to arrays (rows, columns, ...).
      scores: float32 (N, h, w, C), on the device.
      size: height and width at which the photographs entered the network.
      stride: of the scores, in pixels of the input.
      image_sizes: int32 (N, 2), height and width of the photographs.

    Returns:
      For each strip the arrays of `finish` on the device, with N in front; floats as float16.
    """
    height, width = image_sizes.max(0).tolist()
    columns = padded_width(width)
    return [
        strip_program(finish, columns, size, stride, scores, image_sizes, np.int32(top))
        for top in range(0, height, ROWS)
    ]


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def strip_program(
    finish: Finish,
    columns: int,
    size: tuple[int, int],
    stride: int,
    scores: jax.Array,
    image_sizes: jax.Array,
    top: jax.Array,
) -> Strip:
    """Computes a strip of each image from row `top`: see `start_strips`."""

    def finish_image(scores: jax.Array, image_size: jax.Array) -> Strip:
        # The channels are in front, because few channels fill no vector register.
        strip = interpolate_strip(scores, size, stride, image_size, top, ROWS, columns)
        return jax.tree.map(_shrink, finish(jnp.moveaxis(strip, -1, 0)))

    return jax.vmap(finish_image)(scores, image_sizes)


def _shrink(array: jax.Array) -> jax.Array:
    is_float = jnp.issubdtype(array.dtype, jnp.floating)
    return array.astype(jnp.float16) if is_float else array


def join_strips(
    strips: Sequence[tuple[np.ndarray | FixedPoint, ...]], size: tuple[int, int]
) -> list:
    """Joins the strips of one image on the host.

    Args:
      strips: arrays (rows, columns, ...) or fixed-point numbers of each strip.
      size: (H, W) of the photograph.

    Returns:
      The joined arrays (H, W, ...); floats as float32.
    """
    height, width = size
    joined = []
    for parts in zip(*strips, strict=True):
        (first,) = jax.tree.leaves(parts[0])
        is_float = isinstance(parts[0], FixedPoint) or first.dtype == np.float16
        dtype = np.float32 if is_float else first.dtype
        array = np.empty((height, width, *first.shape[2:]), dtype)
        for top in range(0, height, ROWS):
            part, rows = parts[top // ROWS], array[top : top + ROWS]
            if isinstance(part, FixedPoint):
                part.write_to(rows)
            else:
                rows[:] = part[: len(rows), :width]
        joined.append(array)
    return joined


def argmax_and_max(scores: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns the class uint8 (h, w) with the highest of the scores (C, h, w), and this score.

    Of classes with equal scores, the first is returned. `jnp.argmax` is several times as slow on a
    CPU.
    """
    best, highest = jnp.zeros(scores.shape[1:], jnp.uint8), scores[0]
    for index in range(1, len(scores)):
        best = jnp.where(scores[index] > highest, jnp.uint8(index), best)
        highest = jnp.maximum(highest, scores[index])
    return best, highest
