"""What the drawings of all kinds of labels have in common."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ubernet_jax.visualize.palette import PALETTE, Colour

BAND = 1 << 20  # pixels drawn at a time: bounds the memory of temporaries at any picture size


def in_bands(draw: Callable[..., np.ndarray], *arrays: np.ndarray | None) -> np.ndarray:
    """`draw(*arrays)`, a band of rows at a time; arrays are (H, W, ...), the result (H, W, 3)."""
    height, width = arrays[0].shape[:2]
    canvas = np.empty((height, width, 3), np.uint8)
    step = max(1, BAND // width)
    for top in range(0, height, step):
        rows = slice(top, top + step)
        canvas[rows] = draw(*(array if array is None else array[rows] for array in arrays))
    return canvas


def to_bytes(share: np.ndarray) -> np.ndarray:
    """0..1 as 0..255, rounded to the nearest; bytes stay as they are."""
    if share.dtype == np.uint8:
        return share
    return (np.clip(share, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def mix(below: np.ndarray, above: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Lays uint8 (H, W, 3) over another, with an opacity float (H, W), 0..1."""
    opacity = opacity[..., np.newaxis]
    mixed = below * (1 - opacity) + above * opacity
    return (mixed + np.float32(0.5)).astype(np.uint8)


def require_same_size(what: str, result: np.ndarray, *others: np.ndarray | None) -> None:
    """Raises a ValueError where arrays that are drawn together differ in height or width."""
    for other in others:
        if other is not None and other.shape[:2] != result.shape[:2]:
            raise ValueError(
                f'{what}: the result has {result.shape[:2]} pixels, but what is drawn with it has '
                f'{other.shape[:2]}'
            )


def class_colours(
    classes: Sequence[str], indices: Iterable[int], void: int | None = None
) -> dict[str, Colour]:
    """Class name (or 'void') -> RGB colour, of class indices; class 0, background, has none."""
    names = dict(enumerate(classes)) | ({void: 'void'} if void is not None else {})
    return {names[index]: tuple(PALETTE[index].tolist()) for index in indices if index != 0}
