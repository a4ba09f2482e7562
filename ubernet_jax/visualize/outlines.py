"""Lines between the regions of a class map, which separate neighbours of similar colours."""

import numpy as np
from scipy import ndimage

OUTLINE = 255, 255, 255  # RGB
_PARTS = 300  # the line is as wide as this share of the shorter side, but at least a pixel


def find_outlines(classes: np.ndarray) -> np.ndarray:
    """Returns where lines are drawn between regions; bool (H, W).

    Args:
      classes: uint8 (H, W), class indices.
    """
    size = 1 + max(1, round(min(classes.shape) / _PARTS))
    highest: np.ndarray = ndimage.maximum_filter(classes, size)
    lowest: np.ndarray = ndimage.minimum_filter(classes, size)
    return highest != lowest
