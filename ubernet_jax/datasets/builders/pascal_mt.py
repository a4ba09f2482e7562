"""PASCAL-MT: PASCAL-Context with labels for five tasks (ASTMT, Maninis et al., CVPR 2019).

The archive of ASTMT is also that of Multi-Task-Learning-PyTorch, ATRC, InvPT and their successors,
which read it in the same way (`fblib/dataloaders/pascal_context.py` in
github.com/facebookresearch/astmt).
"""

import pathlib

import numpy as np
from scipy import ndimage

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.files import check_exist, read_image, read_list
from ubernet_jax.datasets.builders.matlab import as_map, read_matlab
from ubernet_jax.datasets.builders.normal_frames import Frame, find_frame
from ubernet_jax.datasets.builders.person_part import draw_parts
from ubernet_jax.example import Example
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.reading import require_size
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.metrics.thinning import thin_lines
from ubernet_jax.photographs import Exif

# Folder -> suffix of the files, one for each image. `semseg` has two folders, see `_find_classes`.
_SUFFIXES = {
    'JPEGImages': '.jpg',
    'pascal-context/trainval': '.mat',
    'human_parts': '.mat',
    'normals_distill': '.png',
    'sal_distill': '.png',
}
_CONTEXT = 'pascal-context/trainval'
_SEGMENTATION = 'semseg'
_SAMPLES = 200  # images from which the axes are found; few have normals on a large part

# Classes of PASCAL-Context that NYUv2 has too: where the network that drew the normals, which was
# trained on NYUv2, is trusted. From `context_classes.json` and `nyu_classes.json` in
# `fblib/util/db_info` of ASTMT, with tvmonitor.
_NORMAL_CLASSES = (
    3, 4, 6, 9, 10, 11, 13, 15, 17, 18, 22, 23, 29, 30, 33, 34, 36, 37, 38, 39, 41, 43, 46, 49, 50,
    51, 53, 55, 56, 59, 61, 62, 65, 66, 68, 69, 72, 73, 78, 83, 84, 85, 87, 88, 95, 96, 101, 104,
    105, 107, 111, 113, 115, 122, 124, 135, 141, 142, 143, 146, 150, 154, 157, 158, 159, 165, 172,
    174, 181, 183, 184, 191, 193, 195, 197, 199, 202, 213, 215, 216, 219, 220, 223, 225, 228, 230,
    232, 233, 238, 239, 242, 243, 246, 250, 251, 252, 255, 260, 261, 263, 269, 272, 273, 275, 281,
    283, 284, 285, 286, 287, 288, 290, 291, 292, 293, 295, 304, 307, 309, 310, 314, 315, 319, 323,
    329, 330, 331, 336, 342, 345, 349, 350, 351, 352, 355, 357, 368, 370, 371, 374, 379, 380, 383,
    384, 397, 401, 403, 405, 407, 408, 411, 412, 413, 414, 417, 419, 421, 423, 427, 429, 430, 432,
    440, 441, 442, 443, 444, 446, 454, 457,
)  # fmt: skip
Paths = dict[str, pathlib.Path]  # folder -> the file of an image in it


class PascalMt(Builder):
    """Reads the folders of `_SUFFIXES`, `semseg` and `ImageSets/Context/{train,val}.txt`.

    - `boundaries` lie where the Laplacian of the map of 459 classes is not zero, thinned; they
      differ from those of `pascal_context`.
    - `parts` are those of `person_part`. An image without any part of a person is unlabelled for
      it, which is what the field's loaders achieve with void everywhere.
    - `normals` and `saliency` were drawn by other networks ("distilled"): normals are unknown
      outside of `_NORMAL_CLASSES`, and the saliency is binary, above 127 of 255.
    """

    name = 'pascal_mt'
    collection = 'PASCAL VOC'
    folders = ('', 'PASCAL_MT', 'PASCALContext')
    marker = 'ImageSets/Context'
    labels = {
        name: STANDARD[name]
        for name in ('segmentation', 'parts', 'saliency', 'normals', 'boundaries')
    }
    card = Card(
        tasks=tuple(labels),
        counts={'train': 4998, 'val': 5105},
        home='https://github.com/facebookresearch/astmt',
        licence="research; photographs under Flickr's terms",
        citation='Mottaghi et al., CVPR 2014; Chen et al., CVPR 2014; Maninis et al., Attentive '
        'Single-Tasking of Multiple Tasks, CVPR 2019',
        archives=('PASCAL_MT.tgz or PASCALContext.tar.gz',),
    )

    def list_splits(self, source: pathlib.Path) -> dict[str, list[tuple[Paths, Frame]]]:
        splits = {split: _list_paths(source, split) for split in ('train', 'val')}
        frame = find_frame(source / 'normals_distill', splits['train'], _read_normals, _SAMPLES)
        self.remarks.append(frame.describe())
        return {split: [(paths, frame) for paths in items] for split, items in splits.items()}

    def read(self, item: tuple[Paths, Frame], exif: Exif = Exif.REFUSE) -> tuple[Example, bytes]:
        paths, frame = item
        image, encoded_image = read_image(paths['JPEGImages'], exif)
        size = image.shape[:2]
        saliency = STANDARD['saliency'].read(paths['sal_distill'], size)
        normals = _read_normals(paths)
        require_size(paths['normals_distill'], normals, size)
        labels = {
            'boundaries': LineMap(share=_draw_boundaries(_read_context(paths))),
            'segmentation': STANDARD['segmentation'].read(paths[_SEGMENTATION], size),
            'saliency': np.where(saliency > 127, np.uint8(255), np.uint8(0)),
            'normals': frame.apply(normals),
        }
        parts = draw_parts(paths['human_parts'], size)
        if parts.any():
            labels['parts'] = parts
        return Example(id=paths['JPEGImages'].stem, image=image, labels=labels), encoded_image


def _list_paths(source: pathlib.Path, split: str) -> list[Paths]:
    path = source / 'ImageSets' / 'Context' / f'{split}.txt'
    items = [
        {folder: source / folder / f'{name}{suffix}' for folder, suffix in _SUFFIXES.items()}
        | {_SEGMENTATION: _find_classes(source / _SEGMENTATION, name)}
        for name in read_list(path)
    ]
    check_exist([file for item in items for file in item.values()], named_by=path)
    return items


def _find_classes(folder: pathlib.Path, name: str) -> pathlib.Path:
    """Finds the class map: of VOC2012 if it has the image, else made from PASCAL-Context."""
    path = folder / 'VOC12' / f'{name}.png'
    return path if path.is_file() else folder / 'pascal-context' / f'{name}.png'


def _read_context(paths: Paths) -> np.ndarray:
    """Reads the map of the 459 classes of PASCAL-Context, int32 (H, W)."""
    return read_matlab(paths[_CONTEXT], 'LabelMap', lambda array: as_map(array, largest=65_535))


def _draw_boundaries(classes: np.ndarray) -> np.ndarray:
    """Draws the boundaries between classes (H, W): uint8 (H, W), 0 or 255."""
    changes = ndimage.laplace(classes, mode='mirror') != 0
    return np.where(thin_lines(changes), np.uint8(255), np.uint8(0))


def _read_normals(paths: Paths) -> np.ndarray:
    """Reads normals with the axes of the file, zero outside of the classes that have normals."""
    normals, classes = STANDARD['normals'].read(paths['normals_distill']), _read_context(paths)
    require_size(paths[_CONTEXT], classes, normals.shape[:2])
    return np.where(np.isin(classes, _NORMAL_CLASSES)[..., None], normals, 0)
