"""Extracts boundaries from segmentations. All conversions from masks to boundaries are here.

| function | input | used for |
|---|---|---|
| `find_class_boundaries` | class map | training labels of datasets with masks only (VOC) |
| `outline_instances` | instance map | training labels of SBD |
| `outline_classes` | class map | scoring class outlines, as the files of SBD have them |
"""

import numpy as np
from scipy import ndimage

from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.semantic_boundaries import VOID, SemanticTruth
from ubernet_jax.metrics.thinning import thin_lines

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
    classes = _fill_bands(segmentation)
    unknown = classes == VOID
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


def outline_classes(segmentation: np.ndarray, num_classes: int) -> SemanticTruth:
    """Returns the outlines of the classes; instances of a class that touch have none between them.

    They are the lines that the Semantic Boundaries Dataset stores as `GTcls.Boundaries`: the pixels
    that differ in class from the pixel to the right, below or diagonally below, thinned. For all
    five classes and the instances of the two images in the demonstration of the SBD benchmark
    (data/SBD_bench in github.com/haruishi43/py-edge-eval) they are equal to the stored lines.

    Bands of void are first assigned to the nearest region; larger areas of void have no boundary.

    Args:
      segmentation: integer (H, W), 0 = background, 1..C = the classes, VOID = unknown.
      num_classes: C.

    Raises:
      MetricError: a class index is out of range.
    """
    highest = segmentation[segmentation != VOID].max(initial=0)
    if highest > num_classes:
        raise MetricError(
            f'the ground truth contains class index {highest}: '
            f'allowed are 0 to {num_classes}, and {VOID} for void'
        )
    segmentation = _fill_bands(segmentation)
    known = segmentation != VOID
    regions = segmentation == np.arange(1, num_classes + 1)[:, None, None]
    boundaries = np.zeros_like(regions)
    height, width = segmentation.shape
    for down, right in ((0, 1), (1, 0), (1, 1)):
        here = np.s_[..., : height - down, : width - right]
        there = np.s_[..., down:, right:]
        boundaries[here] |= (regions[here] != regions[there]) & known[here] & known[there]
    for index in np.flatnonzero(boundaries.any((1, 2))):
        boundaries[index] = thin_lines(boundaries[index])
    return SemanticTruth(boundaries=boundaries, regions=regions)


def _fill_bands(segmentation: np.ndarray) -> np.ndarray:
    """Returns the class map (H, W) with bands of void assigned to the nearest region."""
    void = segmentation == VOID
    padded = np.pad(void, _BAND_RADIUS, mode='edge')
    unknown = ndimage.binary_opening(padded, _disk(_BAND_RADIUS))
    unknown = unknown[_BAND_RADIUS:-_BAND_RADIUS, _BAND_RADIUS:-_BAND_RADIUS]
    nearest = ndimage.distance_transform_edt(void, return_distances=False, return_indices=True)
    assert isinstance(nearest, np.ndarray)  # the indices (2, H, W), because only they are returned
    return np.where(unknown, VOID, segmentation[tuple(nearest)])


def _disk(radius: int) -> np.ndarray:
    """Returns bool (2 * radius + 1, 2 * radius + 1), True within `radius` pixels of the centre."""
    rows, columns = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return rows**2 + columns**2 <= radius**2
