"""NYUv2 and Cityscapes as arrays, distributed with MTAN (Liu et al., CVPR 2019), and used by MTPSL,
LibMTL and others (`im2im_pred/create_dataset.py` in github.com/lorenmt/mtan).

The files are numbered from 0 in each split. Images are floats of 0 to 1, and are stored in 8 bits;
a class map has -1 where the class is unknown.
"""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.files import check_exist, list_images
from ubernet_jax.datasets.builders.normal_frames import Frame, find_frame
from ubernet_jax.datasets.storage.records import encode_image
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels import VOID, ClassMap, LabelKind
from ubernet_jax.labels.reading import read_array, require_size
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.photographs import Exif

NYU13_CLASSES = (
    'bed', 'books', 'ceiling', 'chair', 'floor', 'furniture', 'objects', 'painting', 'sofa',
    'table', 'tv', 'wall', 'window',
)  # fmt: skip
CITYSCAPES7_CLASSES = ('flat', 'construction', 'object', 'nature', 'sky', 'human', 'vehicle')
Paths = dict[str, pathlib.Path]  # label, or `image` -> the file


class _Arrays(Builder, skip_registration=True):
    """Reads `{train,val}/FOLDER/N.npy`.

    Attributes:
      arrays: label, or `image` -> the possible names of its folder.
      readers: label -> the function that reads its file.
    """

    arrays: ClassVar[Mapping[str, tuple[str, ...]]]
    readers: ClassVar[Mapping[str, Callable[[pathlib.Path, LabelKind], np.ndarray]]]

    def list_splits(self, source: pathlib.Path) -> Mapping[str, Sequence[Any]]:
        return {split: self._list_paths(source / split, split) for split in ('train', 'val')}

    def read(self, item: Any, exif: Exif = Exif.REFUSE) -> tuple[Example, bytes]:
        image = _read_colours(item['image'])
        labels = {name: read(item[name], self.labels[name]) for name, read in self.readers.items()}
        for name, label in labels.items():
            require_size(item[name], label, image.shape[:2])
        return Example(id=item['image'].stem, image=image, labels=labels), encode_image(image)

    def _list_paths(self, folder: pathlib.Path, split: str) -> list[Paths]:
        found = {name: _find_folder(folder, names) for name, names in self.arrays.items()}
        images = list_images(found['image'], self.left_out[split], ('.npy',))
        wrong = [path for path in images if not path.stem.isdecimal()]
        if wrong:
            raise UserError(f'{wrong[0]}: files of {self.name} are numbered: 0.npy, 1.npy, ...')
        items = [
            {name: of_name / path.name for name, of_name in found.items()}
            for path in sorted(images, key=lambda path: int(path.stem))
        ]
        check_exist([path for item in items for path in item.values()])
        return items


def _find_folder(folder: pathlib.Path, names: tuple[str, ...]) -> pathlib.Path:
    """Finds the folder with one of the names; if there is none, the first, which is missing."""
    return next((folder / name for name in names if (folder / name).is_dir()), folder / names[0])


def _read_colours(path: pathlib.Path) -> np.ndarray:
    """Reads an image, floats (H, W, 3) of 0 to 1, as uint8."""
    colours = read_array(path)
    fits = colours.ndim == 3 and colours.shape[-1] == 3 and colours.size > 0
    if not (fits and colours.dtype.kind == 'f' and colours.min() >= 0 and colours.max() <= 1):
        raise UserError(
            f'{path}: got {colours.dtype} {colours.shape}; an image must be floats (H, W, 3) from '
            '0 to 1: use the file as it was published'
        )
    return np.rint(255 * colours).astype(np.uint8)


def _read_classes(path: pathlib.Path, kind: LabelKind) -> np.ndarray:
    """Reads a class map of numbers, -1 where the class is unknown."""
    classes, highest = read_array(path), len(kind.classes) - 1
    wrong = classes[~np.isin(classes, np.arange(-1, highest + 1))]
    if classes.ndim != 2 or wrong.size:
        raise UserError(
            f'{path}: got {classes.dtype} {classes.shape}'
            f'{f" with the value {wrong[0]:g}" if wrong.size else ""}; a class map must be (H, W) '
            f'of whole numbers from -1 to {highest}: use the file as it was published'
        )
    return np.where(classes < 0, VOID, classes).astype(np.uint8)


def _read_distances(path: pathlib.Path, kind: LabelKind) -> np.ndarray:
    """Reads distances, float32 (H, W), 0 where unknown."""
    distances = read_array(path)
    if distances.ndim != 3 or distances.shape[-1] != 1 or not np.all(distances >= 0):  # also of NaN
        raise UserError(
            f'{path}: got {distances.dtype} {distances.shape}; it must be (H, W, 1) of numbers '
            'from 0, which means unknown: use the file as it was published'
        )
    return np.ascontiguousarray(distances[..., 0], np.float32)


def _read_normals(path: pathlib.Path, kind: LabelKind) -> np.ndarray:
    """Reads normals with the axes of the file, zero where unknown."""
    return kind.read(path)


class NyuV2Mtan(_Arrays):
    """NYUv2 at 288 x 384, with the 13 classes of SceneNet (github.com/ankurhanda/nyuv2-meta-data).

    The normals are those of Eigen and Fergus (ICCV 2015), the depth is in metres.
    """

    name = 'nyuv2_mtan'
    folders = ('', 'nyuv2', 'NYUv2_MTAN')
    marker = 'train/normal'
    arrays = {
        'image': ('image',),
        'segmentation': ('label',),
        'depth': ('depth',),
        'normals': ('normal',),
    }
    readers = {
        'segmentation': _read_classes,
        'depth': _read_distances,
        'normals': _read_normals,
    }
    labels = {
        'segmentation': ClassMap(classes=NYU13_CLASSES),
        'depth': STANDARD['depth'],
        'normals': STANDARD['normals'],
    }
    card = Card(
        tasks=tuple(labels),
        counts={'train': 795, 'val': 654},
        home='https://github.com/lorenmt/mtan',
        licence='research',
        citation='Silberman et al., ECCV 2012; Liu et al., End-to-End Multi-Task Learning with '
        'Attention, CVPR 2019',
        archives=('the folder nyuv2',),
    )

    def list_splits(self, source: pathlib.Path) -> dict[str, list[tuple[Paths, Frame]]]:
        splits = super().list_splits(source)
        normals = [paths['normals'] for paths in splits['train']]
        frame = find_frame(source, normals, lambda path: _read_normals(path, STANDARD['normals']))
        self.remarks.append(frame.describe())
        return {split: [(paths, frame) for paths in items] for split, items in splits.items()}

    def read(self, item: tuple[Paths, Frame], exif: Exif = Exif.REFUSE) -> tuple[Example, bytes]:
        paths, frame = item
        example, encoded_image = super().read(paths, exif)
        example.labels['normals'] = frame.apply(example.labels['normals'])
        return example, encoded_image


class CityscapesMtan(_Arrays):
    """Cityscapes at 128 x 256, with the seven categories of its classes.

    `inverse_depth` has the unit of the files: the values of Cityscapes' disparity pictures, divided
    by 65535 (github.com/lorenmt/mtan/issues/25); near pixels have large values, 0 is unknown. The
    archive does not name the classes: the names are those of the categories in
    `cityscapesscripts/helpers/labels.py`, in their order.
    """

    name = 'cityscapes_mtan'
    folders = ('', 'cityscapes2', 'cityscapes_mtan')
    marker = 'train/label*/0.npy'
    arrays = {
        'image': ('image',),
        'segmentation': ('label_7', 'label'),  # in MTPSL, in LibMTL
        'inverse_depth': ('depth',),
    }
    readers = {'segmentation': _read_classes, 'inverse_depth': _read_distances}
    labels = {
        'segmentation': ClassMap(classes=CITYSCAPES7_CLASSES),
        'inverse_depth': STANDARD['depth'],
    }
    card = Card(
        tasks=tuple(labels),
        counts={'train': 2975, 'val': 500},
        home='https://github.com/lorenmt/mtan',
        licence='research, https://www.cityscapes-dataset.com/license/',
        citation='Cordts et al., CVPR 2016; Liu et al., End-to-End Multi-Task Learning with '
        'Attention, CVPR 2019',
        archives=('the folder of 128x256',),
        size='651 MB',
    )
