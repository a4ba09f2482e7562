"""Lists of the labels that images keep, as they were published for partially labelled training.

| file | content |
|---|---|
| `.json` | image id -> names of labels |
| `.npy` | a pickled dictionary, task -> image ids: MTPSL's lists of PASCAL |
| `.pth` | `labels_weights`, 0 or 1 (N, T), a row for each number of an image: MTPSL's other lists |

MTPSL is Li, Liu and Bilen, CVPR 2022, github.com/VICO-UoE/MTPSL: the lists are in `data/`, and the
order of the columns is `tasks` in `nyu_mtl_sl.py` and `cityscapes_mtl_sl.py`. Pickles are read in
another process without running any code that they contain.
"""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ubernet_jax.bounded_process import run_bounded
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import read_json
from ubernet_jax.weights.pytorch import read_pytorch
from ubernet_jax.weights.unpickling import ArrayUnpickler

# Number of columns -> their labels: NYUv2, and Cityscapes, as MTAN distributes them.
_COLUMNS = {3: ('segmentation', 'depth', 'normals'), 2: ('segmentation', 'inverse_depth')}
# Task of MTPSL -> label.
_LABELS = {
    'semseg': 'segmentation', 'human_parts': 'parts', 'sal': 'saliency', 'normals': 'normals',
    'edge': 'boundaries',
}  # fmt: skip
_LARGEST = 20_000_000  # bytes; MTPSL's largest list has 1.2 MB


def read_label_list(path: pathlib.Path) -> dict[str, frozenset[str]]:
    """Maps image ids to the names of labels, which may be none.

    Raises:
      UserError: the file is missing, damaged, or not such a list.
    """
    readers = {'.json': _read_json, '.npy': _read_pickled, '.pth': _read_weights}
    if path.suffix not in readers:
        raise UserError(
            f'{path} is not a list of labels; it must be a file {", ".join(readers)}: see '
            'docs/partial_labels.md'
        )
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f'it has more than {_LARGEST:,} bytes')
        return readers[path.suffix](path)
    except UserError:
        raise
    except Exception as error:  # a damaged pickle may raise anything
        raise UserError(
            f'{path} cannot be read as a list of labels ({type(error).__name__}: {error}); '
            'download it again, or write image ids with names of labels as JSON'
        ) from error


def _read_json(path: pathlib.Path) -> dict[str, frozenset[str]]:
    content = read_json(path, _LARGEST)
    if not isinstance(content, dict) or not all(map(_are_names, content.values())):
        raise ValueError('it must map each image id to a list of names of labels')
    return {image: frozenset(names) for image, names in content.items()}


def _read_weights(path: pathlib.Path) -> dict[str, frozenset[str]]:
    (weights,) = read_pytorch(path)['labels_weights']
    if weights.ndim != 2 or weights.shape[1] not in _COLUMNS or not np.isin(weights, (0, 1)).all():
        raise ValueError(f'labels_weights {weights.shape} must be 0 or 1, (N, 2) or (N, 3)')
    columns = np.array(_COLUMNS[weights.shape[1]])
    return {str(row): frozenset(columns[flags == 1].tolist()) for row, flags in enumerate(weights)}


def _read_pickled(path: pathlib.Path) -> dict[str, frozenset[str]]:
    images = run_bounded(path, _unpickle, path)
    labels: dict[str, set[str]] = {}
    for task, names in images.items():
        for image in names:
            labels.setdefault(image, set()).add(_LABELS[task])
    return {image: frozenset(names) for image, names in labels.items()}


def _unpickle(path: pathlib.Path) -> Mapping[str, list[str]]:
    """Reads task -> image ids from an array without dimensions whose object is a dictionary."""
    with path.open('rb') as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError('the file is not of version 1.0')
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if shape != () or dtype.kind != 'O':
            raise ValueError(f'an array {shape} of {dtype}, not a dictionary')
        (content,) = ArrayUnpickler(path, file, _ALLOWED).load().items
    if not isinstance(content, dict) or not all(map(_are_names, content.values())):
        raise ValueError('it does not map each task to a list of image ids')
    if unknown := set(content) - set(_LABELS):
        raise ValueError(f'tasks {", ".join(sorted(unknown))}; known: {", ".join(_LABELS)}')
    return content


def _are_names(value: object) -> bool:
    return isinstance(value, list) and all(type(name) is str for name in value)


class _Array:
    """Stands for a pickled array of objects: its items."""

    def __setstate__(self, state: tuple) -> None:
        _, _, _, _, self.items = state


class _Dtype:
    """Stands for the data type of pickled text, which is always UTF-32."""

    def __init__(self, *_: Any):
        pass

    def __setstate__(self, state: tuple) -> None:
        pass


def _text(_: _Dtype, encoded: bytes) -> str:
    return encoded.decode('utf-32-le').rstrip('\0')


_ALLOWED = {('numpy', 'ndarray'): _Array, ('numpy', 'dtype'): _Dtype} | {
    (f'numpy.{core}.multiarray', name): function
    for core in ('core', '_core')  # before and since NumPy 2
    for name, function in {'_reconstruct': lambda *_: _Array(), 'scalar': _text}.items()
}
