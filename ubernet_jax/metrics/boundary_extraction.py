"""Extracts boundaries from segmentations. All conversions from masks to boundaries are here.

| function | input | used for |
|---|---|---|
| `find_class_boundaries` | class map | training labels of datasets with masks only (VOC) |
| `outline_instances` | instance map | training labels of SBD |
| `truth_from_segmentation` | class map | scoring against a class map, post-SEAL |
"""

import numpy as np
from scipy import ndimage

from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.semantic_boundaries import VOID, SemanticTruth

_BAND_RADIUS = 5  # VOC draws a void band about 5 pixels wide around its objects


def find_class_boundaries(segmentation: np.ndarray) -> np.ndarray:
    """Returns the boundaries of the classes in a class map, one pixel wide, inside the object.

    A pixel belongs to the boundary of its class if another class, or background, is among its 8
    neighbours. Bands of void between regions are first assigned to the nearest region. Larger areas
    of void stay void, and so do pixels next to them that are not known to be boundary pixels.

    Args:
      segmentation: uint8 (H, W), class index, 0 = background, VOID = unknown.

    Returns:
      uint8 (H, W), class of the boundary, 0 = no boundary, VOID = unknown.
    """
    void = segmentation == VOID
    padded = np.pad(void, _BAND_RADIUS, mode='edge')
    unknown = ndimage.binary_opening(padded, _disk(_BAND_RADIUS))
    unknown = unknown[_BAND_RADIUS:-_BAND_RADIUS, _BAND_RADIUS:-_BAND_RADIUS]
    nearest = ndimage.distance_transform_edt(void, return_distances=False, return_indices=True)
    assert isinstance(nearest, np.ndarray)  # the indices (2, H, W), because only they are returned
    classes = np.where(unknown, VOID, segmentation[tuple(nearest)])

    lowest = ndimage.minimum_filter(classes, size=3)  # VOID is above every class
    highest = ndimage.maximum_filter(np.where(unknown, 0, classes), size=3)
    boundary = (lowest < highest) & np.logical_not(unknown)
    near_unknown = ndimage.binary_dilation(unknown, np.ones((3, 3), bool))
    return np.where(boundary, classes, np.where(near_unknown, VOID, 0)).astype(np.uint8)


def outline_instances(instances: np.ndarray, categories: np.ndarray) -> np.ndarray:
    """Returns the boundaries of instances, one pixel wide, inside the object.

    A pixel belongs to the boundary of its class if another instance, or background, is among its 8
    neighbours. Two objects that touch therefore both have a boundary there, side by side, even if
    they are of the same class.

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
    """Returns the boundaries where the class changes, without those between instances of a class.

    Args:
      segmentation: integer (H, W), 0 = background, 1..C = the classes, 255 = void, which has no
        boundary with its neighbours.
      num_classes: C.

    Raises:
      MetricError: a class index is out of range.
    """
    known = segmentation != VOID
    if segmentation[known].max(initial=0) > num_classes:
        raise MetricError(
            f'the ground truth contains class index {segmentation[known].max()}: '
            f'allowed are 0 to {num_classes}, and {VOID} for void'
        )
    regions = segmentation == np.arange(1, num_classes + 1)[:, None, None]
    boundaries = np.zeros_like(regions)
    height, width = segmentation.shape
    for down, right in ((0, 1), (1, 0), (1, 1)):  # only three neighbours, so that lines are thin
        here = np.s_[..., : height - down, : width - right]
        there = np.s_[..., down:, right:]
        boundaries[here] |= (regions[here] != regions[there]) & known[here] & known[there]
    return SemanticTruth(boundaries=boundaries, regions=regions)


def _disk(radius: int) -> np.ndarray:
    """Returns bool (2 * radius + 1, 2 * radius + 1), True within `radius` pixels of the centre."""
    rows, columns = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return rows**2 + columns**2 <= radius**2
