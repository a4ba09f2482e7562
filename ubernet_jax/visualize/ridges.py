"""Soft boundaries drawn as lines: their ridges, at a given thickness."""

import numpy as np
from scipy import ndimage

from ubernet_jax.metrics.nms import Nms, suppress


def draw_ridges(
    strength: np.ndarray, classes: np.ndarray, thickness: int
) -> tuple[np.ndarray, np.ndarray]:
    """Thins boundaries to their ridges and widens these; where two overlap, the stronger wins.

    Args:
      strength: float (H, W), 0..1.
      classes: uint8 (H, W), class index of the boundary at each pixel.
      thickness: pixels.

    Returns:
      strength float32 (H, W) and classes uint8 (H, W) of the lines.
    """
    level = np.rint(255 * np.clip(suppress(strength, Nms.SMOOTHED), 0, 1)).astype(np.uint16)
    # The strength is in the high byte, so it decides; the class is in the low byte.
    widened: np.ndarray = ndimage.maximum_filter(level << 8 | classes, size=thickness)
    return (widened >> 8) / np.float32(255), (widened & 255).astype(np.uint8)
