"""Soft boundaries as lines: their crests, at a chosen thickness."""

import numpy as np
from scipy import ndimage

from ubernet_jax.metrics.thinning import Nms, suppress


def draw_ridges(
    strength: np.ndarray, classes: np.ndarray, thickness: int
) -> tuple[np.ndarray, np.ndarray]:
    """Thins boundaries to their crests and widens these; where two meet, the stronger is seen.

    Args:
      strength: float (H, W), 0..1.
      classes: uint8 (H, W), class index of the boundary at each pixel.
      thickness: pixels.

    Returns:
      strength float32 (H, W) and classes uint8 (H, W), drawn so.
    """
    level = np.rint(255 * np.clip(suppress(strength, Nms.SMOOTHED), 0, 1)).astype(np.uint16)
    # The class rides in the low byte below the strength, which decides.
    widened = ndimage.maximum_filter(level << 8 | classes, size=thickness)
    return (widened >> 8) / np.float32(255), (widened & 255).astype(np.uint8)
