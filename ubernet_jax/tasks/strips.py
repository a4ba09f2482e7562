"""Scores at the photograph's own size, in strips of rows: they stay in the cache, and memory is
bounded.
"""

from collections.abc import Callable, Iterator

import numpy as np
import scipy.sparse

from ubernet_jax.ops.interpolate import interpolation_matrix

STRIP = 64  # rows of the result computed at a time


def finish_in_strips(
    finish: Callable[[np.ndarray], tuple[np.ndarray, ...]],
    scores: np.ndarray,
    size: tuple[int, int],
) -> list[np.ndarray]:
    """Interpolates scores (h, w, C) to `size` (H, W), and joins what `finish` makes of the strips.

    Args:
      finish: from scores (rows, C, W) to arrays (rows, ...).
      scores: float32.
      size: of the result.
    """
    strips = [finish(strip) for strip in _at_size(scores, size)]
    return [np.concatenate(parts) for parts in zip(*strips, strict=True)]


def _at_size(scores: np.ndarray, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Scores (h, w, C) interpolated to `size`, in strips (rows, C, W).

    With the classes between rows and columns what is computed of them runs along the columns, which
    numpy does many times as fast as along a handful of classes.
    """
    height, width, channels = scores.shape
    # Of each row of these matrices at most two numbers are not zero.
    rows = scipy.sparse.csr_array(interpolation_matrix(height, size[0]))
    columns = scipy.sparse.csr_array(interpolation_matrix(width, size[1]))
    wide = columns @ scores.transpose(1, 2, 0).reshape(width, channels * height)
    wide = wide.reshape(size[1], channels, height).transpose(2, 1, 0).reshape(height, -1)
    for top in range(0, size[0], STRIP):
        yield (rows[top : top + STRIP] @ wide).reshape(-1, channels, size[1])


def likeliest(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of scores (h, C, w) the highest (h, w), and its class: uint8; the first of several."""
    best, highest = np.zeros_like(scores[:, 0], np.uint8), scores[:, 0].copy()
    for number in range(1, scores.shape[1]):
        own = scores[:, number]
        np.copyto(best, np.uint8(number), where=own > highest)
        np.maximum(highest, own, out=highest)
    return best, highest
