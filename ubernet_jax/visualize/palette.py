"""The colours of classes, lines and text."""

import numpy as np

Colour = tuple[int, int, int]

INK, FRAME = (40, 40, 40), (160, 160, 160)  # text; outlines of pictures and legend colours


def _pascal_palette() -> np.ndarray:
    """Returns VOC's colour map, uint8 (256, 3): the bits of the index fill R, G, B in turn."""
    index = np.arange(256)
    channels = [
        sum((index >> 3 * digit + channel & 1) << 7 - digit for digit in range(3))
        for channel in range(3)
    ]
    return np.stack(channels, axis=-1).astype(np.uint8)


PALETTE = _pascal_palette()
