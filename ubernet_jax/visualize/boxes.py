"""Boxes drawn over a photograph, each with its class and score."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ubernet_jax.visualize.palette import PALETTE

BRIGHT = 128  # mean of a colour above which its text is black


def draw_boxes(
    image: np.ndarray,
    corners: np.ndarray,
    names: Sequence[str],
    colours: np.ndarray,
    scores: np.ndarray | None,
    least: float,
) -> np.ndarray:
    """Draws labelled boxes, or detections that score enough, best on top.

    Args:
      image: uint8 (H, W, 3).
      corners: (B, 4), x1, y1, x2, y2 in pixels, the best box first.
      names: what is written at each box.
      colours: (B,), index of each in the palette.
      scores: (B,), of detections; None for labels.
      least: score that a detection must have.

    Returns:
      uint8 (H, W, 3), RGB.
    """
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    side = min(image.shape[:2])
    font = ImageFont.load_default(size=max(10, side / 25))
    width, edge = max(1, side // 150), max(1, side // 400)
    known = [None] * len(names) if scores is None else scores
    drawn = zip(corners.tolist(), names, colours, known, strict=True)
    for (left, top, right, bottom), name, index, score in reversed(list(drawn)):
        if score is not None and score < least:
            continue
        colour = tuple(PALETTE[index].tolist())
        ink = 'black' if sum(colour) / 3 > BRIGHT else 'white'
        right, bottom = max(left, right - 1), max(top, bottom - 1)
        around = left - edge, top - edge, right + edge, bottom + edge
        # Between two lines of the ink the colour is seen on things of the same colour too.
        draw.rectangle(around, None, ink, width + 2 * edge)
        draw.rectangle((left, top, right, bottom), None, colour, width)
        text = name if score is None else f'{name} {score:.2f}'
        _, _, *extent = draw.textbbox((0, 0), text, font)
        # The name stays inside the picture, whole if there is room.
        x, y = (
            max(0, min(corner, limit - size - width))
            for corner, limit, size in zip((left, top), canvas.size, extent, strict=True)
        )
        draw.rectangle((x, y, x + extent[0] + width, y + extent[1] + width), colour)
        draw.text((x + width / 2, y), text, ink, font)
    return np.asarray(canvas)
