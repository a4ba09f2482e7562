"""The ground truth of SBD's benchmark: boundaries and regions of each class."""

import pathlib

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.labels.reading import read_variables
from ubernet_jax.metrics.semantic_boundaries import SemanticTruth

_LARGEST = 2**24  # pixels; SBD's images have 500 x 500


def find_folder(truths: pathlib.Path, *, instances: bool) -> pathlib.Path:
    """The folder of ground truth inside SBD's `dataset` folder; any other folder as it is."""
    folder = truths / ('inst' if instances else 'cls')
    return folder if folder.is_dir() else truths


def read_sbd(path: pathlib.Path, num_classes: int) -> SemanticTruth:
    """The ground truth in a `cls` or an `inst` file.

    Raises:
      UserError: the file is broken or none of SBD's, or names a class beyond the number of them.
    """
    variables = read_variables(path)
    kind = 'GTinst' if 'GTinst' in variables else 'GTcls'
    if kind not in variables:
        raise UserError(f'{path} holds neither GTcls nor GTinst: it is no file of SBD')
    try:
        return _parse(path, kind, variables[kind][0, 0], num_classes)
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise UserError(
            f'{path} has another structure than expected: {error}; take the file as it was '
            'published'
        ) from error


def _parse(path: pathlib.Path, kind: str, truth: np.void, num_classes: int) -> SemanticTruth:
    segmentation, cells = truth['Segmentation'], truth['Boundaries'].ravel()
    if not isinstance(segmentation, np.ndarray) or segmentation.size > _LARGEST:
        raise ValueError('its segmentation is no map of the size of an image')
    if kind == 'GTinst':
        classes = truth['Categories'].ravel().astype(int)
    else:
        classes = np.arange(1, len(cells) + 1)
    outside = classes[(classes < 1) | (classes > num_classes)]
    if outside.size:
        raise UserError(f'{path} holds class {outside[0]}: allowed are 1 to {num_classes}')
    boundaries = np.zeros((num_classes, *segmentation.shape), bool)
    regions = np.zeros_like(boundaries)
    for i, (label, cell) in enumerate(zip(classes, cells, strict=True), 1):
        if cell.shape != segmentation.shape:
            raise ValueError(f'boundaries {cell.shape} of a map {segmentation.shape}')
        cell.check_format()  # else a damaged index writes anywhere in memory
        boundaries[label - 1] |= cell.toarray() != 0
        regions[label - 1] |= segmentation == i
    return SemanticTruth(boundaries=boundaries, regions=regions)
