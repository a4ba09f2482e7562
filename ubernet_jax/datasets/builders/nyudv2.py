"""NYUv2: 1,449 Kinect frames of rooms with depth and surface normals (Silberman et al., ECCV 2012).

The normals are those of Ladicky et al. (ECCV 2014), in either of two distributions:

- `normals_gt/normals/0000.png` and `normals_gt/masks/0000.png`, numbered from 0, with Eigen and
  Fergus (ICCV 2015);
- `norm_gt_l.mat` and `masks.mat`, with GeoNet (Qi et al., CVPR 2018).
"""

import pathlib
from typing import NamedTuple

import numpy as np

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.files import check_exist
from ubernet_jax.datasets.builders.matlab import read_matlab, read_matlab_slice
from ubernet_jax.datasets.builders.normal_frames import Frame, find_frame
from ubernet_jax.datasets.storage.records import encode_image
from ubernet_jax.datasets.storage.sources import list_files
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels.reading import require_size
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.labels.unit_vectors import to_unit_length
from ubernet_jax.photographs import Exif


class Sources(NamedTuple):
    """The files of an image and its normals.

    Attributes:
      number: number of the image, from 1 as in MATLAB.
      images: the file of all images.
      normals: the file of all normals, or the picture of this image's normals.
      mask: the file of all masks of known normals, or the picture of this image's mask.
    """

    number: int
    images: pathlib.Path
    normals: pathlib.Path
    mask: pathlib.Path


class NyudV2(Builder):
    """Reads `nyu_depth_v2_labeled.mat`, `splits.mat` and the normals of either distribution.

    Frames are cropped to the window of NYUv2's toolbox, outside of which there is no depth. An
    image's id is its number in the dataset, from `0001`. `normals` are unknown outside the mask;
    `depth` is the variable `depths`, in which the gaps of the sensor are filled.
    """

    name = 'nyudv2'
    collection = 'NYUv2'
    folders = ('', 'NYUv2', 'nyu_depth_v2')
    marker = 'nyu_depth_v2_labeled.mat'
    labels = {name: STANDARD[name] for name in ('normals', 'depth')}
    window = np.s_[44:471, 40:601]  # MATLAB's 45:471, 41:601, which is 427 x 561
    card = Card(
        tasks=('normals', 'depth'),
        counts={'train': 795, 'test': 654},
        home='https://cs.nyu.edu/~silberman/datasets/nyu_depth_v2.html',
        licence='research',
        citation='Silberman et al., Indoor Segmentation and Support Inference from RGBD Images, '
        'ECCV 2012; normals: Ladicky et al., Discriminatively Trained Dense Surface Normal '
        'Estimation, ECCV 2014',
        archives=(marker, 'splits.mat', 'normals_gt.tgz or norm_gt_l.mat and masks.mat'),
        size='2.8 GB and the normals',
    )

    def list_splits(self, source: pathlib.Path) -> dict[str, list[tuple[Sources, Frame]]]:
        lists = source / 'splits.mat'
        check_exist([lists])
        splits = {
            split: read_matlab(lists, f'{split}Ndxs', _parse_numbers) for split in ('train', 'test')
        }
        images = {
            split: [_find(source, number) for number in numbers]
            for split, numbers in splits.items()
        }
        check_exist(list(dict.fromkeys(list_files(images))), named_by=lists)
        frame = find_frame(source, images['train'], lambda sources: _read(sources)[1])
        self.remarks.append(frame.describe())
        return {
            split: [(sources, frame) for sources in sources_of_split]
            for split, sources_of_split in images.items()
        }

    def read(self, item: tuple[Sources, Frame], exif: Exif = Exif.REFUSE) -> tuple[Example, bytes]:
        sources, frame = item
        image, normals = _read(sources)
        image = image[self.window]
        depth = read_matlab_slice(sources.images, 'depths', sources.number - 1)
        require_size(sources.images, depth, normals.shape[:2])
        labels = {
            'normals': frame.apply(normals[self.window]),
            'depth': np.ascontiguousarray(depth[self.window], np.float32),
        }
        return Example(id=f'{sources.number:04d}', image=image, labels=labels), encode_image(image)


class NyudV2Gupta(NyudV2):
    """The same frames, cropped as in Gupta et al. (CVPR 2013) and later benchmarks."""

    name = 'nyudv2_gupta'
    window = np.s_[45:470, 40:600]  # MATLAB's 46:470, 41:600, which is 425 x 560


def _parse_numbers(numbers: np.ndarray) -> list[int]:
    return numbers.ravel().astype(int).tolist()


def _find(source: pathlib.Path, number: int) -> Sources:
    images = source / NyudV2.marker
    if (source / 'norm_gt_l.mat').exists():
        return Sources(number, images, source / 'norm_gt_l.mat', source / 'masks.mat')
    pictures, name = source / 'normals_gt', f'{number - 1:04d}.png'
    if pictures.exists():
        return Sources(number, images, pictures / 'normals' / name, pictures / 'masks' / name)
    raise UserError(
        f'{source} holds no normals: add norm_gt_l.mat and masks.mat (GeoNet), or the folder '
        'normals_gt (Eigen and Fergus)'
    )


def _read(sources: Sources) -> tuple[np.ndarray, np.ndarray]:
    """Reads a full image, and its normals with the axes of their file, zero where unknown."""
    image = np.ascontiguousarray(read_matlab_slice(sources.images, 'images', sources.number - 1))
    read = _read_pictures if sources.normals.suffix == '.png' else _read_arrays
    normals, valid = read(sources, image)
    return image, np.where(valid[..., None], normals, 0)


def _read_pictures(sources: Sources, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    size = image.shape[:2]
    normals = STANDARD['normals'].read(sources.normals, size)
    return normals, STANDARD['saliency'].read(sources.mask, size) > 0


def _read_arrays(sources: Sources, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    normals = read_matlab_slice(sources.normals, 'norm_gt_l', sources.number - 1)
    valid = read_matlab_slice(sources.mask, 'masks', sources.number - 1) > 0
    require_size(sources.normals, normals, image.shape[:2])
    require_size(sources.mask, valid, image.shape[:2])
    return to_unit_length(normals), valid
