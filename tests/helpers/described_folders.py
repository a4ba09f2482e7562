"""A folder of images and labels of any name, with a description in `labels.json`."""

import pathlib

import numpy as np

from helpers.dataset_files import save_map, write_json
from ubernet_jax import prepare
from ubernet_jax.datasets import open_dataset
from ubernet_jax.datasets.reading import Dataset

SHAPE = (6, 8)


def describe(source: pathlib.Path, content: object) -> pathlib.Path:
    path = source / 'labels.json'
    write_json(path, content)
    return path


def add(source: pathlib.Path, folder: str, highest: int = 2) -> np.ndarray:
    """Writes a map with the values 0 to `highest` for the image."""
    values = (np.arange(48).reshape(SHAPE) % (highest + 1)).astype(np.uint8)
    return save_map(source / 'train' / folder / 'a.png', values)


def build(source: pathlib.Path) -> Dataset:
    directory = source.parent / 'prepared'
    prepare.main(['folder/field', '--source', str(source), '--directory', str(directory)])
    return open_dataset('folder/field', 'train', directory)
