"""Processing of full-size scores in strips of rows, which fit into the cache and bound memory."""

from collections.abc import Callable, Iterator

import numpy as np
import scipy.sparse

from ubernet_jax.ops.interpolate import sampling_matrix

STRIP = 64  # rows of the result that are computed at a time


def finish_in_strips(
    finish: Callable[[np.ndarray], tuple[np.ndarray, ...]],
    scores: np.ndarray,
    size: tuple[int, int],
    last: tuple[float, float],
) -> list[np.ndarray]:
    """Interpolates scores to `size`, applies `finish` to each strip, and joins the results.

    Args:
      finish: maps scores (rows, C, W) to arrays (rows, ...).
      scores: float32 (h, w, C).
      size: (H, W) of the results.
      last: row and column of the scores at which the last row and column of the results lie; the
        first lie at 0.
    """
    strips = [finish(strip) for strip in _interpolated_strips(scores, size, last)]
    return [np.concatenate(parts) for parts in zip(*strips, strict=True)]


def _interpolated_strips(
    scores: np.ndarray, size: tuple[int, int], last: tuple[float, float]
) -> Iterator[np.ndarray]:
    """Yields scores (h, w, C), interpolated to `size`, in strips (rows, C, W).

    The channel axis is not the last: numpy computes along many columns many times as fast as along
    a few channels.
    """
    height, width, channels = scores.shape
    # Each row of these matrices has at most two nonzero values.
    rows, columns = (
        scipy.sparse.csr_array(sampling_matrix(side, np.linspace(0, end, new)))
        for side, end, new in zip((height, width), last, size, strict=True)
    )
    wide = columns @ scores.transpose(1, 2, 0).reshape(width, channels * height)
    wide = wide.reshape(size[1], channels, height).transpose(2, 1, 0).reshape(height, -1)
    for top in range(0, size[0], STRIP):
        yield (rows[top : top + STRIP] @ wide).reshape(-1, channels, size[1])


def argmax_and_max(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the class uint8 (h, w) with the highest of the scores (h, C, w), and this score.

    Of classes with equal scores, the first is returned.
    """
    best, highest = np.zeros_like(scores[:, 0], np.uint8), scores[:, 0].copy()
    for index in range(1, scores.shape[1]):
        class_scores = scores[:, index]
        np.copyto(best, np.uint8(index), where=class_scores > highest)
        np.maximum(highest, class_scores, out=highest)
    return best, highest
