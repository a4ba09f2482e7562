"""Thinning of lines, with two alternating conditions (Guo and Hall, CACM 32(3), 1989).

The conditions are those that MATLAB documents for `bwmorph(lines, 'thin', inf)`. Only the pixels
of the lines are looked at: that takes a tenth of the time of correlating the image in each pass.
"""

import numpy as np

# Row and column of the neighbours 1 to 8: counterclockwise, from the right.
NEIGHBOURS = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))


def thin_lines(lines: np.ndarray) -> np.ndarray:
    """Thins lines, bool (H, W), until they do not change, like `bwmorph(lines, 'thin', inf)`."""
    padded = np.pad(lines, 1)
    width = padded.shape[1]
    offsets = [row * width + column for row, column in NEIGHBOURS]
    is_line = padded.reshape(-1).view(np.uint8)
    pixels, before = np.flatnonzero(is_line), -1
    while len(pixels) != before:
        before = len(pixels)
        for removable in REMOVABLE:
            codes = np.zeros(len(pixels), np.uint8)
            for bit, offset in enumerate(offsets):
                codes |= is_line[pixels + offset] << bit
            removed = removable[codes]
            is_line[pixels[removed]] = 0
            pixels = pixels[~removed]
    return padded[1:-1, 1:-1]


def _removable() -> tuple[np.ndarray, np.ndarray]:
    """Returns whether each pass removes a pixel: bool (256,), by the neighbours as bits."""
    x = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(bool)
    x1, x2, x3, x4, x5, x6, x7, x8 = x.T
    crossings = np.sum([~x1 & (x2 | x3), ~x3 & (x4 | x5), ~x5 & (x6 | x7), ~x7 & (x8 | x1)], 0)
    pairs = np.minimum(
        np.sum([x1 | x2, x3 | x4, x5 | x6, x7 | x8], 0),
        np.sum([x2 | x3, x4 | x5, x6 | x7, x8 | x1], 0),
    )
    both = (crossings == 1) & (pairs >= 2) & (pairs <= 3)
    return both & ~((x2 | x3 | ~x8) & x1), both & ~((x6 | x7 | ~x4) & x5)


REMOVABLE = _removable()
