"""PASCAL VOC 2012: semantic segmentation, and the boundaries of classes derived from it.

The masks are VOC's own or, where they are there, SegmentationClassAug (VOC + SBD: Everingham et
al., IJCV 2010; Hariharan et al., ICCV 2011).
"""

import pathlib

import numpy as np
from scipy import ndimage
from skimage.morphology import disk

from ubernet_jax.datasets.builder import Builder
from ubernet_jax.datasets.files import check_exist, read_image, read_label, read_list
from ubernet_jax.structs import Example
from ubernet_jax.tasks import TASKS, VOID

_BAND_RADIUS = 5  # VOC draws a void band about 5 pixels wide around its objects


class Voc2012(Builder):
    """`JPEGImages`, `SegmentationClassAug` or `SegmentationClass`, `ImageSets/Segmentation`.

    Two instances of one class that touch have no boundary between them here.
    """

    name = 'voc2012'
    folders = ('', 'VOC2012', 'VOCdevkit/VOC2012')
    marker = 'ImageSets/Segmentation'

    def list_splits(self, source: pathlib.Path) -> dict[str, list[tuple[pathlib.Path, ...]]]:
        augmented = source / 'SegmentationClassAug'
        masks = augmented if augmented.is_dir() else source / 'SegmentationClass'
        return {split: _list_pairs(source, masks, split) for split in ('train', 'val')}

    def read(self, item: tuple[pathlib.Path, ...]) -> tuple[Example, bytes]:
        image_path, mask_path = item
        image, encoded_image = read_image(image_path)
        segmentation = read_label(mask_path, TASKS['segmentation'], image)
        labels = {
            'segmentation': segmentation,
            'semantic_boundaries': find_class_boundaries(segmentation),
        }
        return Example(id=image_path.stem, image=image, labels=labels), encoded_image


def _list_pairs(
    source: pathlib.Path, masks: pathlib.Path, split: str
) -> list[tuple[pathlib.Path, ...]]:
    path = source / 'ImageSets' / 'Segmentation' / f'{split}.txt'
    pairs = [(source / 'JPEGImages' / f'{i}.jpg', masks / f'{i}.png') for i in read_list(path)]
    check_exist([path for pair in pairs for path in pair], named_by=path)
    return pairs


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
