"""Bilinear interpolation with aligned corners in plain numpy."""

import numpy as np


def resize(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Interpolates a float array (H, W, C) to `size` (height, width), float32."""
    height, width, channels = x.shape
    rows = interpolation_matrix(height, size[0]) @ x.reshape(height, width * channels)
    return interpolation_matrix(width, size[1]) @ rows.reshape(size[0], width, channels)


def interpolation_matrix(source: int, target: int) -> np.ndarray:
    """Returns the weights float32 (target, source) of linear interpolation between 1-D grids."""
    position = np.linspace(0, source - 1, target)
    node = np.clip(np.floor(position).astype(int), 0, max(source - 2, 0))
    fraction = (position - node).astype(np.float32)
    matrix = np.zeros((target, source), np.float32)
    matrix[np.arange(target), node] = 1 - fraction
    matrix[np.arange(target), np.minimum(node + 1, source - 1)] += fraction
    return matrix
