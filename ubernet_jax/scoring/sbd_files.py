"""Reads the ground truth of the SBD benchmark: boundaries and regions of each class."""

import pathlib

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.labels.reading import read_variables
from ubernet_jax.metrics.boundary_counts import thin_lines
from ubernet_jax.metrics.semantic_boundaries import SemanticTruth

_MAX_PIXELS = 2**24  # the images of SBD have at most 500 x 500


def find_truth_folder(truths: pathlib.Path, *, instances: bool) -> pathlib.Path:
    """Returns the ground-truth folder inside SBD's `dataset` folder; other folders unchanged."""
    folder = truths / ('inst' if instances else 'cls')
    return folder if folder.is_dir() else truths


def read_sbd(path: pathlib.Path, num_classes: int) -> SemanticTruth:
    """Reads the ground truth in a `cls` or `inst` file.

    The lines of all instances of a class are joined and thinned, as SEAL does
    (data/sbd-preprocess/code/demoGenGT.m in github.com/Chrisding/seal).

    Raises:
      UserError: the file is damaged, is not a file of SBD, or contains a class above `num_classes`.
    """
    variables = read_variables(path)
    kind = 'GTinst' if 'GTinst' in variables else 'GTcls'
    if kind not in variables:
        raise UserError(f'{path} contains neither GTcls nor GTinst: it is not a file of SBD')
    try:
        return _parse(path, kind, variables[kind][0, 0], num_classes)
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise UserError(
            f'{path} does not have the structure of a file of SBD: {error}; use the file as it was '
            'published'
        ) from error


def _parse(path: pathlib.Path, kind: str, truth: np.void, num_classes: int) -> SemanticTruth:
    segmentation, cells = truth['Segmentation'], truth['Boundaries'].ravel()
    if not isinstance(segmentation, np.ndarray) or segmentation.size > _MAX_PIXELS:
        raise ValueError('its segmentation is not a map of the size of an image')
    is_instances = kind == 'GTinst'
    if is_instances:
        classes = truth['Categories'].ravel().astype(int)
    else:
        classes = np.arange(1, len(cells) + 1)
    outside = classes[(classes < 1) | (classes > num_classes)]
    if outside.size:
        raise UserError(f'{path} contains class {outside[0]}: allowed are 1 to {num_classes}')
    boundaries = np.zeros((num_classes, *segmentation.shape), bool)
    regions = np.zeros_like(boundaries)
    for i, (label, cell) in enumerate(zip(classes, cells, strict=True), 1):
        if cell.shape != segmentation.shape:
            raise ValueError(
                f'its boundaries have shape {cell.shape}, its segmentation {segmentation.shape}'
            )
        cell.check_format()  # a damaged index could otherwise corrupt memory
        boundaries[label - 1] |= cell.toarray() != 0
        regions[label - 1] |= segmentation == i
    if is_instances:
        for label in np.unique(classes):
            boundaries[label - 1] = thin_lines(boundaries[label - 1])
    return SemanticTruth(boundaries=boundaries, regions=regions, instances=is_instances)
