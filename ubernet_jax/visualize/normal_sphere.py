"""Normals as colours, and their key: a ball with the colour of the normal at each point."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ubernet_jax.visualize.drawing import to_bytes
from ubernet_jax.visualize.palette import NOTE

_MIDDLE = 'middle: to the camera'


def draw_directions(directions: np.ndarray) -> np.ndarray:
    """Draws unit vectors (H, W, 3) as uint8 (H, W, 3), RGB; zero is grey."""
    return to_bytes((directions + np.float32(1)) / np.float32(2))


def draw_normal_sphere(side: int) -> np.ndarray:
    """Draws the normals of a ball, clear outside; uint8 (side, side, 4), RGBA."""
    steps = np.linspace(-1, 1, side, dtype=np.float32)
    x, y = np.meshgrid(steps, -steps)  # y points up, rows go down
    facing = 1 - x**2 - y**2
    sphere = draw_directions(np.stack([x, y, np.sqrt(np.maximum(facing, 0))], axis=-1))
    return np.dstack([sphere, to_bytes((facing >= 0).astype(np.float32))])


def draw_normal_key(height: int) -> np.ndarray:
    """Draws the ball with its directions in words; uint8 (height, w, 4), RGBA, on a clear ground.

    A normal points up, down, left, right or, in the middle, towards the camera.
    """
    font = ImageFont.load_default(size=max(9, height / 6))
    assert isinstance(font, ImageFont.FreeTypeFont)  # as always with a size
    line = math.ceil(1.2 * font.size)
    side = max(1, height - 2 * line)
    gap, left = line // 4, math.ceil(font.getlength('left')) + line // 2
    beside = f'right  ({_MIDDLE})'
    width = left + side + gap + math.ceil(font.getlength(beside))
    key = Image.new('RGBA', (width, height), (*NOTE, 0))
    key.paste(Image.fromarray(draw_normal_sphere(side)), (left, line))
    draw = ImageDraw.Draw(key)
    middle, centre = left + side / 2, line + side / 2
    for place, text, anchor in (
        ((middle, 0), 'up', 'ma'),
        ((middle, height), 'down', 'md'),
        ((left - gap, centre), 'left', 'rm'),
        ((left + side + gap, centre), beside, 'lm'),
    ):
        draw.text(place, text, NOTE, font, anchor=anchor)
    return np.asarray(key)
