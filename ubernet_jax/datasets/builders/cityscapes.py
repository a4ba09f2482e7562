"""Cityscapes: 5,000 images of streets with fine labels of 19 classes (Cordts et al., CVPR 2016).

Files, classes and the disparity are described in github.com/mcordts/cityscapesScripts
(`README.md`, `cityscapesscripts/helpers/labels.py`).
"""

import pathlib

import numpy as np

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.files import check_exist, list_visible, read_image
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.json_file import read_json
from ubernet_jax.labels import VOID, ClassMap
from ubernet_jax.labels.reading import read_picture, require_size
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.photographs import Exif

# Class of the 19 that are evaluated -> its id in the files; all other ids are void.
CITYSCAPES_CLASSES = {
    'road': 7, 'sidewalk': 8, 'building': 11, 'wall': 12, 'fence': 13, 'pole': 17,
    'traffic light': 19, 'traffic sign': 20, 'vegetation': 21, 'terrain': 22, 'sky': 23,
    'person': 24, 'rider': 25, 'car': 26, 'truck': 27, 'bus': 28, 'train': 31, 'motorcycle': 32,
    'bicycle': 33,
}  # fmt: skip
_IDS = ClassMap(classes=tuple(map(str, range(34))))  # as stored in the files
_IMAGE = '_leftImg8bit.png'
# Folder -> what follows the id of an image in the names of its files.
_SUFFIXES = {
    'leftImg8bit': _IMAGE,
    'gtFine': '_gtFine_labelIds.png',
    'disparity': '_disparity.png',
    'camera': '_camera.json',
}
_DISPARITY = ('disparity', 'camera')
Paths = dict[str, pathlib.Path]  # folder -> the file of an image in it


class Cityscapes(Builder):
    """Reads `FOLDER/{train,val}/CITY/ID...` in the folders of `_SUFFIXES`; `test` has no labels.

    `depth`, in metres, is baseline * fx / disparity, with a disparity of (p - 1) / 256 pixels; it
    is unknown where p is 0 or 1. Without the folder `disparity` images have no depth.
    """

    name = 'cityscapes'
    folders = ('', 'cityscapes', 'Cityscapes')
    marker = 'leftImg8bit'
    labels = {
        'segmentation': ClassMap(classes=tuple(CITYSCAPES_CLASSES)),
        'depth': STANDARD['depth'],
    }
    card = Card(
        tasks=tuple(labels),
        counts={'train': 2975, 'val': 500},
        home='https://www.cityscapes-dataset.com',
        licence='research, https://www.cityscapes-dataset.com/license/',
        citation='Cordts et al., The Cityscapes Dataset for Semantic Urban Scene Understanding, '
        'CVPR 2016',
        archives=(
            'leftImg8bit_trainvaltest.zip', 'gtFine_trainvaltest.zip',
            'disparity_trainvaltest.zip and camera_trainvaltest.zip (for the depth)',
        ),
    )  # fmt: skip

    def list_splits(self, source: pathlib.Path) -> dict[str, list[Paths]]:
        folders = [name for name in _SUFFIXES if name not in _DISPARITY]
        if (source / 'disparity').is_dir():
            folders += _DISPARITY
        else:
            self.remarks.append(f'no depth, because there is no folder {source / "disparity"}')
        return {split: self._list_paths(source, folders, split) for split in ('train', 'val')}

    def read(self, item: Paths, exif: Exif = Exif.REFUSE) -> tuple[Example, bytes]:
        image, encoded_image = read_image(item['leftImg8bit'], exif)
        size = image.shape[:2]
        ids = _IDS.read(item['gtFine'], size)
        labels = {'segmentation': _classes_of_ids()[ids]}
        if 'disparity' in item:
            disparity = read_picture(item['disparity'], {'I;16'})
            require_size(item['disparity'], disparity, size)
            labels['depth'] = _to_depth(disparity, _read_camera(item['camera']))
        name = item['leftImg8bit'].name.removesuffix(_IMAGE)
        return Example(id=name, image=image, labels=labels), encoded_image

    def _list_paths(self, source: pathlib.Path, folders: list[str], split: str) -> list[Paths]:
        images = [
            path
            for city in list_visible(source / 'leftImg8bit' / split, self.left_out[split])
            for path in list_visible(city, self.left_out[split])
            if path.name.endswith(_IMAGE)
        ]
        if not images:
            raise UserError(
                f'{source / "leftImg8bit" / split} holds no image CITY/ID{_IMAGE}; unpack '
                f'{self.card.archives[0]} in {source}'
            )
        items = [
            {
                folder: source / folder / split / path.parent.name
                / path.name.replace(_IMAGE, _SUFFIXES[folder])
                for folder in folders
            }
            for path in images
        ]  # fmt: skip
        check_exist([path for item in items for path in item.values()])
        return items


def _classes_of_ids() -> np.ndarray:
    """Returns the class index of each id, uint8 (256,)."""
    classes = np.full(256, VOID, np.uint8)
    classes[list(CITYSCAPES_CLASSES.values())] = np.arange(len(CITYSCAPES_CLASSES))
    return classes


def _read_camera(path: pathlib.Path) -> float:
    """Reads the product of baseline, in metres, and focal length, in pixels."""
    try:
        camera = read_json(path)
        product = float(camera['extrinsic']['baseline']) * float(camera['intrinsic']['fx'])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f'{path} lacks a number of the camera, extrinsic.baseline or intrinsic.fx '
            f'({type(error).__name__}: {error}); unpack it again'
        ) from error
    if not 0 < product < np.inf:
        raise UserError(f'{path}: baseline * fx is {product:g}, but must be above 0')
    return product


def _to_depth(stored: np.ndarray, factor: float) -> np.ndarray:
    """Converts stored disparities, uint16 (H, W), to metres; 0 where unknown or infinite."""
    known = stored > 1
    disparity = np.where(known, stored - 1.0, 1) / 256
    return np.where(known, factor / disparity, 0).astype(np.float32)
