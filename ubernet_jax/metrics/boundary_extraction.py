"""Boundaries extracted from segmentations: the one place where masks become boundaries.

| function | input | used for |
|---|---|---|
| `find_class_boundaries` | class map | training labels of sets with masks only (VOC) |
| `outline_instances` | instance map | training labels of SBD |
| `truth_from_segmentation` | class map | scoring against a class map, post-SEAL |
"""

import numpy as np
from scipy import ndimage

from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.semantic_boundaries import VOID, SemanticTruth

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
    padded = np.pad(void, _BAND_RADIUS, mode='edge')
    unknown = ndimage.binary_opening(padded, _disk(_BAND_RADIUS))
    unknown = unknown[_BAND_RADIUS:-_BAND_RADIUS, _BAND_RADIUS:-_BAND_RADIUS]
    nearest = ndimage.distance_transform_edt(void, return_distances=False, return_indices=True)
    classes = np.where(unknown, VOID, segmentation[tuple(nearest)])

    lowest = ndimage.minimum_filter(classes, size=3)  # VOID is above every class
    highest = ndimage.maximum_filter(np.where(unknown, 0, classes), size=3)
    boundary = ~unknown & (lowest < highest)
    beside_unknown = ndimage.binary_dilation(unknown, np.ones((3, 3), bool))
    return np.where(boundary, classes, np.where(beside_unknown, VOID, 0)).astype(np.uint8)


def outline_instances(instances: np.ndarray, categories: np.ndarray) -> np.ndarray:
    """The boundaries of instances, one pixel wide, inside the object.

    A pixel carries its class if another instance, or background, is among its 8 neighbours. So two
    objects that touch both keep their boundary, side by side, also where they are of one class.

    Args:
      instances: integers (H, W), 0 = background, k = instance k.
      categories: uint8 (K,), the class of each instance.

    Returns:
      uint8 (H, W), class of the boundary, 0 = no boundary.
    """
    lowest = ndimage.minimum_filter(instances, size=3)
    highest = ndimage.maximum_filter(instances, size=3)
    classes = np.append(np.uint8(0), categories)[instances]
    return np.where(lowest < highest, classes, 0).astype(np.uint8)


def truth_from_segmentation(segmentation: np.ndarray, num_classes: int) -> SemanticTruth:
    """Boundaries where the class changes; those between two instances of a class are not there.

    Args:
      segmentation: integer (H, W), 0 background, 1..C the classes, 255 void: no boundary with it.
      num_classes: C.

    Raises:
      MetricError: another class index.
    """
    known = segmentation != VOID
    if segmentation[known].max(initial=0) > num_classes:
        raise MetricError(
            f'the ground truth holds class index {segmentation[known].max()}: '
            f'allowed are 0 to {num_classes}, or {VOID} for void'
        )
    regions = segmentation == np.arange(1, num_classes + 1)[:, None, None]
    boundaries = np.zeros_like(regions)
    height, width = segmentation.shape
    for down, right in ((0, 1), (1, 0), (1, 1)):  # a pixel against three neighbours: a thin line
        here = np.s_[..., : height - down, : width - right]
        there = np.s_[..., down:, right:]
        boundaries[here] |= (regions[here] != regions[there]) & known[here] & known[there]
    return SemanticTruth(boundaries=boundaries, regions=regions)


def _disk(radius: int) -> np.ndarray:
    """bool (2 * radius + 1, 2 * radius + 1), True within `radius` pixels of the centre."""
    rows, columns = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return rows**2 + columns**2 <= radius**2
