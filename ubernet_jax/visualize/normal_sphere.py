"""Normals as colours, and their key: a sphere with the colour of the normal at each point."""

import numpy as np

from ubernet_jax.visualize.drawing import to_bytes


def draw_directions(directions: np.ndarray) -> np.ndarray:
    """Draws unit vectors (H, W, 3) as uint8 (H, W, 3), RGB; zero is grey."""
    return to_bytes((directions + np.float32(1)) / np.float32(2))


def draw_normal_sphere(side: int) -> np.ndarray:
    """Draws the normals of a sphere `side` pixels wide, on white; uint8 (side, side, 3)."""
    steps = np.linspace(-1, 1, side, dtype=np.float32)
    x, y = np.meshgrid(steps, -steps)  # y points up, rows go down
    facing = 1 - x**2 - y**2
    sphere = np.stack([x, y, np.sqrt(np.maximum(facing, 0))], axis=-1)
    sphere[facing < 0] = 1  # white
    return draw_directions(sphere)
