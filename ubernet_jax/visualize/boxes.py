"""Boxes drawn over a photograph, each with its class and score."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ubernet_jax.structs import Boxes, Detections
from ubernet_jax.visualize.palette import PALETTE

SHOWN = 0.3  # the least score that is drawn
BRIGHT = 128  # mean of a colour above which its text is black


def draw_boxes(
    image: np.ndarray, boxes: Boxes | Detections, class_names: Sequence[str]
) -> np.ndarray:
    """Draws the labelled boxes, or the detections that score at least `SHOWN`, best on top.

    Args:
      image: uint8 (H, W, 3).
      boxes: in pixels of the image.
      class_names: for each class index.

    Returns:
      uint8 (H, W, 3), RGB.
    """
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    side = min(image.shape[:2])
    font = ImageFont.load_default(size=max(10, side / 25))
    width = max(1, side // 150)
    scores = boxes.scores if isinstance(boxes, Detections) else [None] * len(boxes.classes)
    drawn = zip(boxes.corners.tolist(), boxes.classes.tolist(), scores, strict=True)
    for (left, top, right, bottom), index, score in reversed(list(drawn)):
        if score is not None and score < SHOWN:
            continue
        colour = tuple(PALETTE[index].tolist())
        draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), None, colour, width)
        text = class_names[index] if score is None else f'{class_names[index]} {score:.2f}'
        tag = draw.textbbox((left, top), text, font)
        draw.rectangle((left, top, tag[2] + width, tag[3] + width), colour)
        ink = 'black' if sum(colour) / 3 > BRIGHT else 'white'
        draw.text((left + width / 2, top), text, ink, font)
    return np.asarray(canvas)
