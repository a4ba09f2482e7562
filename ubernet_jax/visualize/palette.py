"""The colours of classes, lines and text."""

import numpy as np

Colour = tuple[int, int, int]

INK, FRAME = (40, 40, 40), (160, 160, 160)  # text; outlines of pictures and legend colours
NOTE = (117, 117, 117)  # text on a clear background; equally visible on white and on black


def _pascal_palette() -> np.ndarray:
    """Returns VOC's colour map, uint8 (256, 3): the bits of the index fill R, G, B in turn."""
    index = np.arange(256)
    channels = [
        sum((index >> 3 * digit + channel & 1) << 7 - digit for digit in range(3))
        for channel in range(3)
    ]
    return np.stack(channels, axis=-1).astype(np.uint8)


VOC_PALETTE = _pascal_palette()


def _safe_palette() -> np.ndarray:
    """Returns the colours of `_SAFE` for the indices from 1, then those of VOC."""
    palette = VOC_PALETTE.copy()
    palette[1 : 1 + len(_SAFE)] = _SAFE
    return palette


# For viewers without red cones (protanopia) or green cones (deuteranopia), and for all others: the
# smallest distance CIEDE2000 between two of the first 8 colours is 21, of 12 it is 13, of 20 it is
# 9.9 (VOC: 3.1, 0.7 and 0.7), by `python -m benchmarks.palette`. They were found by exchanging
# colours of a grid, under the condition of a distance of 11 to black, white and the colour of void.
_SAFE = (
    (224, 112, 0), (0, 0, 255), (128, 224, 255), (144, 32, 0), (255, 255, 128), (64, 160, 144),
    (144, 0, 96), (64, 144, 255),
    (255, 0, 128), (160, 96, 64), (255, 160, 128), (0, 144, 160),
    (128, 64, 160), (224, 192, 32), (160, 0, 64), (32, 0, 160), (96, 192, 192), (32, 96, 255),
    (224, 112, 96), (0, 192, 255),
)  # fmt: skip
SAFE_PALETTE = _safe_palette()
