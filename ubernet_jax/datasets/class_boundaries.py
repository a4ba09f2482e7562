"""Semantic boundaries from class maps, for sets that have masks but no boundaries of their own."""

import numpy as np
from scipy import ndimage
from skimage.morphology import disk

from ubernet_jax.labels import VOID

_BAND_RADIUS = 5  # VOC draws a void band about 5 pixels wide around its objects


def find_class_boundaries(segmentation: np.ndarray) -> np.ndarray:
    """The boundaries of classes in a class map, one pixel wide, inside the object.

    A pixel carries its class if another class, or background, is among its 8 neighbours. Bands of
    void between regions are first given to the nearest region. Larger areas of void stay void, and
    so do pixels beside them that are not known to be a boundary.

    Args:
      segmentation: uint8 (H, W), class index, 0 = background, VOID = not known.

    Returns:
      uint8 (H, W), class of the boundary, 0 = no boundary, VOID = not known.
    """
    void = segmentation == VOID
    unknown = ndimage.binary_opening(np.pad(void, _BAND_RADIUS, mode='edge'), disk(_BAND_RADIUS))
    unknown = unknown[_BAND_RADIUS:-_BAND_RADIUS, _BAND_RADIUS:-_BAND_RADIUS]
    nearest = ndimage.distance_transform_edt(void, return_distances=False, return_indices=True)
    classes = np.where(unknown, VOID, segmentation[tuple(nearest)])

    lowest = ndimage.minimum_filter(classes, size=3)  # VOID is above every class
    highest = ndimage.maximum_filter(np.where(unknown, 0, classes), size=3)
    boundary = ~unknown & (lowest < highest)
    beside_unknown = ndimage.binary_dilation(unknown, np.ones((3, 3), bool))
    return np.where(boundary, classes, np.where(beside_unknown, VOID, 0)).astype(np.uint8)
