"""Boxes drawn over an image, each with its class and score."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ubernet_jax.visualize.palette import Colour

BRIGHT = 128  # mean of a colour above which text on it is black


def draw_boxes(
    image: np.ndarray,
    corners: np.ndarray,
    names: Sequence[str],
    colours: Sequence[Colour],
    scores: np.ndarray | None,
    min_score: float,
) -> np.ndarray:
    """Draws labelled boxes, or detections with a sufficient score, in reverse order.

    Args:
      image: uint8 (H, W, 3).
      corners: (B, 4), x1, y1, x2, y2 in pixels, by descending score.
      names: the text at each box.
      colours: the colour of each box.
      scores: (B,), of detections; None for labels.
      min_score: the lowest score of a detection that is drawn.

    Returns:
      uint8 (H, W, 3), RGB.
    """
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    side = min(image.shape[:2])
    font = ImageFont.load_default(size=max(10, side / 25))
    width, edge = max(1, side // 150), max(1, side // 400)
    scores_or_none = [None] * len(names) if scores is None else scores
    boxes = zip(corners.tolist(), names, colours, scores_or_none, strict=True)
    for (left, top, right, bottom), name, colour, score in reversed(list(boxes)):
        if score is not None and score < min_score:
            continue
        ink = 'black' if sum(colour) / 3 > BRIGHT else 'white'
        right, bottom = max(left, right - 1), max(top, bottom - 1)
        around = left - edge, top - edge, right + edge, bottom + edge
        # The line of ink on either side keeps the box visible on objects of its colour.
        draw.rectangle(around, None, ink, width + 2 * edge)
        draw.rectangle((left, top, right, bottom), None, colour, width)
        text = name if score is None else f'{name} {score:.2f}'
        _, _, *text_size = draw.textbbox((0, 0), text, font)
        # The text stays inside the picture if there is room for it.
        x, y = (
            max(0, min(corner, limit - size - width))
            for corner, limit, size in zip((left, top), canvas.size, text_size, strict=True)
        )
        draw.rectangle((x, y, x + text_size[0] + width, y + text_size[1] + width), colour)
        draw.text((x + width / 2, y), text, ink, font)
    return np.asarray(canvas)
