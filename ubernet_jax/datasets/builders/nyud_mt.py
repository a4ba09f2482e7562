"""NYUD-MT: NYUv2 as prepared for multi-task papers, cropped to 425 x 560 (ASTMT, Maninis et al.,
CVPR 2019; also used by PAD-Net, MTI-Net and others).
"""

import pathlib

import numpy as np

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.files import check_exist, read_image, read_list
from ubernet_jax.datasets.builders.matlab import as_map, read_matlab
from ubernet_jax.datasets.builders.normal_frames import Frame, find_frame
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels import VOID, ClassMap, Lines
from ubernet_jax.labels.class_map import check_classes
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.reading import read_array, require_size
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.photographs import Exif

NYUD_CLASSES = (
    'wall', 'floor', 'cabinet', 'bed', 'chair', 'sofa', 'table', 'door', 'window', 'bookshelf',
    'picture', 'counter', 'blinds', 'desk', 'shelves', 'curtain', 'dresser', 'pillow', 'mirror',
    'floor mat', 'clothes', 'ceiling', 'books', 'refrigerator', 'television', 'paper', 'towel',
    'shower curtain', 'box', 'whiteboard', 'person', 'night stand', 'toilet', 'sink', 'lamp',
    'bathtub', 'bag', 'other structure', 'other furniture', 'other prop',
)  # fmt: skip

# Folder -> suffixes of its files, as distributed by ASTMT, by MTI-Net, and by ATRC and its
# successors (InvPT, TaskPrompter), whose pictures are all PNG.
_SUFFIXES = {
    'images': ('.jpg', '.png'),
    'normals': ('.jpg', '.npy', '.png'),
    'edge': ('.png', '.npy'),
    'segmentation': ('.mat', '.png'),
    'depth': ('.npy', '.mat'),
}
Paths = dict[str, pathlib.Path]  # folder -> the file of an image in it
_STORED = ClassMap(classes=('unlabelled', *NYUD_CLASSES))  # as stored in the files


class NyudMt(Builder):
    """Reads `images`, `normals`, `edge`, `segmentation`, `depth` and `gt_sets/{train,val}.txt`.

    `segmentation` has the 40 classes `NYUD_CLASSES` of Gupta et al. (CVPR 2013). Unlabelled pixels,
    0 in the files, become void.
    """

    name = 'nyud_mt'
    folders = ('', 'NYUD_MT', 'NYUDv2')
    marker = 'gt_sets'
    labels = {
        'boundaries': Lines(protocol='nyud_mt'),
        'normals': STANDARD['normals'],
        'segmentation': ClassMap(classes=NYUD_CLASSES),
        'depth': STANDARD['depth'],
    }
    card = Card(
        tasks=('boundaries', 'normals', 'segmentation', 'depth'),
        counts={'train': 795, 'val': 654},
        home='https://github.com/facebookresearch/astmt',
        licence='research',
        citation='Silberman et al., ECCV 2012; Maninis et al., Attentive Single-Tasking of '
        'Multiple Tasks, CVPR 2019',
        archives=('NYUD_MT.tgz',),
    )

    def list_splits(self, source: pathlib.Path) -> dict[str, list[tuple[Paths, Frame]]]:
        splits = {split: _list_paths(source, split) for split in ('train', 'val')}
        frame = find_frame(source / 'normals', splits['train'], _read_normals)
        self.remarks.append(frame.describe())
        return {split: [(paths, frame) for paths in items] for split, items in splits.items()}

    def read(self, item: tuple[Paths, Frame], exif: Exif = Exif.REFUSE) -> tuple[Example, bytes]:
        paths, frame = item
        image, encoded_image = read_image(paths['images'], exif)
        labels = {
            'boundaries': _read_boundaries(paths['edge'], image),
            'normals': frame.apply(STANDARD['normals'].read(paths['normals'], image.shape[:2])),
            'segmentation': _read_segmentation(paths['segmentation'], image),
        }
        if 'depth' in paths:
            labels['depth'] = STANDARD['depth'].read(paths['depth'], image.shape[:2])
        return Example(id=paths['images'].stem, image=image, labels=labels), encoded_image


def _list_paths(source: pathlib.Path, split: str) -> list[Paths]:
    path = source / 'gt_sets' / f'{split}.txt'
    items = [
        {
            folder: _find(source / folder, name, suffixes)
            for folder, suffixes in _SUFFIXES.items()
            if folder != 'depth' or (source / folder).is_dir()  # some copies lack it
        }
        for name in read_list(path)
    ]
    check_exist([file for item in items for file in item.values()], named_by=path)
    return items


def _find(folder: pathlib.Path, name: str, suffixes: tuple[str, ...]) -> pathlib.Path:
    """Finds the file with one of the suffixes; returns a missing file if there is none.

    Raises:
      UserError: there are several.
    """
    paths = [folder / f'{name}{suffix}' for suffix in suffixes]
    found = [path for path in paths if path.is_file()]
    if len(found) > 1:
        raise UserError(f'{found[0]} and {found[1].name} have the same id; remove either')
    return found[0] if found else paths[0]


def _read_normals(paths: Paths) -> np.ndarray:
    """Reads normals with the axes of the file, which are not known yet."""
    return STANDARD['normals'].read(paths['normals'])


def _read_boundaries(path: pathlib.Path, image: np.ndarray) -> LineMap:
    if path.suffix == '.png':
        return STANDARD['boundaries'].read(path, image.shape[:2])
    edges = read_array(path)
    require_size(path, edges, image.shape[:2])
    if edges.ndim != 2:
        raise UserError(f'{path}: got an array {edges.shape}; boundaries must be (H, W), 0 or 1')
    return LineMap(share=np.where(edges > 0.5, np.uint8(255), np.uint8(0)))


def _read_segmentation(path: pathlib.Path, image: np.ndarray) -> np.ndarray:
    if path.suffix == '.png':
        classes = _STORED.read(path, image.shape[:2])
    else:
        classes = read_matlab(path, 'segmentation', as_map).astype(np.uint8)
        require_size(path, classes, image.shape[:2])
        check_classes(path, classes, _STORED.classes)
    known = (classes != 0) & (classes != VOID)
    return np.where(known, classes - 1, VOID).astype(np.uint8)
