"""Prepared folders that are labelled for one or two tasks each."""

import json
import pathlib
from collections.abc import Mapping

import numpy as np
from PIL import Image

from helpers.dataset_files import random_image, save_map
from ubernet_jax import prepare
from ubernet_jax.configure import Machine

CPU = Machine(name='2 CPU cores', accelerated=False, memory=8 * 2**30, speed=2e11)
WEEDS = {'kind': 'class_map', 'classes': ['soil', 'weed']}
CARS = {'kind': 'class_map', 'classes': ['road', 'car', 'house']}


def write_set(
    root: pathlib.Path,
    name: str,
    kinds: Mapping[str, object],
    splits: Mapping[str, int],
    size: tuple[int, int] = (33, 65),
    unlabelled: tuple[str, ...] = (),
) -> None:
    """Writes and prepares `folder/NAME` in `root/prepared`.

    Args:
      root: folder that gets the folder NAME.
      name: of the dataset.
      kinds: label -> its kind, for `labels.json`; all labels are maps of zeros.
      splits: split -> number of images.
      size: (height, width) of the images.
      unlabelled: splits of which no image is labelled.
    """
    for split, count in splits.items():
        for index in range(count):
            stem = f'{split}{index}'
            random_image(root / name / split / 'images' / f'{name}{stem}.png', *size)
            for label in kinds if split not in unlabelled else ():
                path = root / name / split / label / f'{name}{stem}.png'
                save_map(path, np.zeros(size, np.uint8))
    (root / name / 'labels.json').write_text(json.dumps(kinds))
    prepare.main([f'folder/{name}', '--source', str(root), '--directory', str(root / 'prepared')])


def prepare_sets(root: pathlib.Path) -> None:
    """Prepares all sets of the tests: see the calls."""
    write_set(root, 'garden', {'plants': WEEDS}, {'train': 3, 'test': 1, 'val': 1})
    write_set(root, 'street', {'plants': CARS, 'shade': {'kind': 'soft_mask'}}, {'train': 1})
    write_set(root, 'meadow', {'plants': WEEDS, 'images-2': WEEDS}, {'train': 1}, size=(65, 33))
    write_set(root, 'untrained', {'plants': WEEDS}, {'test': 1})
    write_set(root, 'bare', {'plants': WEEDS}, {'train': 1, 'test': 1}, unlabelled=('train',))


def write_copy(root: pathlib.Path) -> None:
    """Prepares `folder/copy`, whose training images are test images of `folder/garden`."""
    source, target = root / 'garden/test', root / 'copy/train'
    for folder in ('images', 'plants'):
        (target / folder).mkdir(parents=True)
        for path in (source / folder).iterdir():
            Image.open(path).save(target / folder / path.name)
    write_set(root, 'copy', {'plants': WEEDS}, {'train': 1})
