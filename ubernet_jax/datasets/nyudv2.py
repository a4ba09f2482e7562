"""NYUv2: 1,449 Kinect frames of rooms, and the normals of their surfaces (Silberman et al., ECCV
2012). The normals are those of Ladicky et al. (ECCV 2014), in either of two distributions:

- `normals_gt/normals/0000.png` and `normals_gt/masks/0000.png`, numbered from 0, with Eigen and
  Fergus (ICCV 2015);
- `norm_gt_l.mat` and `masks.mat`, with GeoNet (Qi et al., CVPR 2018).
"""

import pathlib

import numpy as np

from ubernet_jax.datasets.builder import Builder
from ubernet_jax.datasets.card import Card
from ubernet_jax.datasets.files import check_exist, check_size, read_label, to_directions
from ubernet_jax.datasets.matlab import read_matlab, read_matlab_slice
from ubernet_jax.datasets.normal_frames import find_frame
from ubernet_jax.datasets.records import encode_image
from ubernet_jax.errors import UserError
from ubernet_jax.structs import Example
from ubernet_jax.tasks import TASKS


class NyudV2(Builder):
    """`nyu_depth_v2_labeled.mat`, `splits.mat` and the normals in one of their two forms.

    Frames are cut to the window of NYUv2's own toolbox, outside of which there is no depth. An
    image's id is its number in the set, from `0001`. Its `normals` are unknown outside the mask.
    """

    name = 'nyudv2'
    collection = 'NYUv2'
    folders = ('', 'NYUv2', 'nyu_depth_v2')
    marker = 'nyu_depth_v2_labeled.mat'
    window = np.s_[44:471, 40:601]  # MATLAB's 45:471, 41:601, which is 427 x 561
    card = Card(
        tasks=('normals',),
        counts={'train': 795, 'test': 654},
        home='https://cs.nyu.edu/~silberman/datasets/nyu_depth_v2.html',
        licence='research',
        citation='Silberman et al., Indoor Segmentation and Support Inference from RGBD Images, '
        'ECCV 2012; normals: Ladicky et al., Discriminatively Trained Dense Surface Normal '
        'Estimation, ECCV 2014',
        archives=(marker, 'splits.mat', 'normals_gt.tgz or norm_gt_l.mat and masks.mat'),
    )

    def list_splits(self, source: pathlib.Path) -> dict[str, list[int]]:
        """Split -> numbers of its images, from 1, as MATLAB counts."""
        self._source = source
        lists = source / 'splits.mat'
        check_exist([lists])
        splits = {
            split: read_matlab(lists, f'{split}Ndxs', _parse_numbers) for split in ('train', 'test')
        }
        if (source / 'norm_gt_l.mat').exists():
            check_exist([source / 'masks.mat'])
            self._read_normals = _read_arrays
        elif (source / 'normals_gt').exists():
            numbers = [number for split in splits.values() for number in split]
            check_exist([path for number in numbers for path in _pictures(source, number)], lists)
            self._read_normals = _read_pictures
        else:
            raise UserError(
                f'{source} holds no normals: place norm_gt_l.mat and masks.mat (GeoNet), or the '
                'folder normals_gt (Eigen and Fergus) there'
            )
        self._frame = find_frame(source, splits['train'], lambda number: self._read(number)[1])
        return splits

    def read(self, item: int) -> tuple[Example, bytes]:
        image, normals = self._read(item)
        image = image[self.window]
        labels = {'normals': self._frame.apply(normals[self.window])}
        return Example(id=f'{item:04d}', image=image, labels=labels), encode_image(image)

    def _read(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """A whole image, and its normals with the axes of their file, zero where unknown."""
        labelled = self._source / self.marker
        image = np.ascontiguousarray(read_matlab_slice(labelled, 'images', number - 1))
        normals, valid = self._read_normals(self._source, number, image)
        return image, np.where(valid[..., None], normals, 0)


class NyudV2Gupta(NyudV2):
    """The same frames, cut as by Gupta et al. (CVPR 2013), which later benchmarks follow."""

    name = 'nyudv2_gupta'
    window = np.s_[45:470, 40:600]  # MATLAB's 46:470, 41:600, which is 425 x 560


def _parse_numbers(numbers: np.ndarray) -> list[int]:
    return numbers.ravel().astype(int).tolist()


def _pictures(source: pathlib.Path, number: int) -> tuple[pathlib.Path, pathlib.Path]:
    folder, name = source / 'normals_gt', f'{number - 1:04d}.png'
    return folder / 'normals' / name, folder / 'masks' / name


def _read_pictures(
    source: pathlib.Path, number: int, image: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    normals_path, mask_path = _pictures(source, number)
    normals = read_label(normals_path, TASKS['normals'], image)
    return normals, read_label(mask_path, TASKS['saliency'], image) > 0


def _read_arrays(
    source: pathlib.Path, number: int, image: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    normals_path, mask_path = source / 'norm_gt_l.mat', source / 'masks.mat'
    normals = read_matlab_slice(normals_path, 'norm_gt_l', number - 1)
    valid = read_matlab_slice(mask_path, 'masks', number - 1) > 0
    check_size(normals_path, normals, image)
    check_size(mask_path, valid, image)
    return to_directions(normals), valid
