"""Helpers that draw all kinds of labels."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ubernet_jax.visualize.palette import Colour

BAND = 1 << 20  # pixels drawn at a time, which bounds the memory for temporary arrays


def in_bands(
    draw: Callable[..., np.ndarray], array: np.ndarray, *optional: np.ndarray | None
) -> np.ndarray:
    """Computes `draw(array, *optional)` band by band to save memory.

    Args:
      draw: maps a band of rows of each array to uint8 (h, W, 3).
      array: (H, W, ...).
      *optional: (H, W, ...), or None, which is passed on.

    Returns:
      uint8 (H, W, 3).
    """
    height, width = array.shape[:2]
    canvas = np.empty((height, width, 3), np.uint8)
    step = max(1, BAND // width)
    for top in range(0, height, step):
        rows = slice(top, top + step)
        canvas[rows] = draw(array[rows], *(None if a is None else a[rows] for a in optional))
    return canvas


def to_bytes(share: np.ndarray) -> np.ndarray:
    """Scales 0..1 to 0..255, rounded to the nearest; bytes are returned unchanged."""
    if share.dtype == np.uint8:
        return share
    return (np.clip(share, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def mix(below: np.ndarray, above: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Blends uint8 (H, W, 3) over another image, with an opacity, float (H, W), 0..1."""
    opacity = opacity[..., np.newaxis]
    mixed = below * (1 - opacity) + above * opacity
    return (mixed + np.float32(0.5)).astype(np.uint8)


def require_same_size(what: str, result: np.ndarray, *arrays: np.ndarray | None) -> None:
    """Raises a ValueError if arrays that are drawn together differ in height or width."""
    for array in arrays:
        if array is not None and array.shape[:2] != result.shape[:2]:
            raise ValueError(
                f'{what}: the result has {result.shape[:2]} pixels, but an array drawn with it has '
                f'{array.shape[:2]}'
            )


def class_colours(
    classes: Sequence[str], palette: np.ndarray, indices: Iterable[int], void: int | None = None
) -> dict[str, Colour]:
    """Maps names of class indices (or 'void') to RGB colours; skips class 0, the background."""
    names = dict(enumerate(classes)) | ({void: 'void'} if void is not None else {})
    return {names[index]: tuple(palette[index].tolist()) for index in indices if index != 0}
