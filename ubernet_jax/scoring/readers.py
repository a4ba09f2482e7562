"""Readers for the maps of each dense task.

Files are read as labels are, but predictions keep the precision of their files.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.labels import (
    ClassLines,
    ClassMap,
    LabelKind,
    Lines,
    Metres,
    SoftMask,
    UnitVectors,
)
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.reading import is_array, read_array, read_named_array
from ubernet_jax.labels.soft_mask import check_strengths, read_strengths
from ubernet_jax.labels.unit_vectors import read_vectors
from ubernet_jax.metrics.boundary_extraction import outline_classes
from ubernet_jax.metrics.semantic_boundaries import SemanticTruth
from ubernet_jax.scoring.sbd_files import read_sbd


def _identity(label: Any) -> Any:
    return label


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MapReader:
    """Functions that read the files of a dense task; picklable.

    Attributes:
      kind: the kind of label whose `review` checks the values of the ground truth; None if all
        values are plausible.
      label: path -> ground truth as a label.
      truth: label -> ground truth as the metric expects it.
      prediction: path -> prediction as the metric expects it.
      empty: ground truth of the metric -> an empty prediction.
      strengths: whether predictions are strengths, which are 0 to 255 in files of bytes.
    """

    kind: LabelKind | None
    label: Callable[[pathlib.Path], Any]
    truth: Callable[[Any], Any] = _identity
    prediction: Callable[[pathlib.Path], np.ndarray]
    empty: Callable[[Any], np.ndarray] = np.zeros_like
    strengths: bool = False


def map_reader(task: str, classes: Sequence[str], name: str | None = None) -> MapReader:
    """Returns the reader of a dense task.

    Its functions raise a UserError if a file is damaged or has unexpected contents.

    Args:
      task: the name in the command line, such as `semantic-boundaries`.
      classes: names of the classes; for semantic boundaries without background.
      name: name of the prediction in files with several arrays; by default the task.

    Raises:
      ValueError: the task is not a dense task.
    """
    truth_key = task.replace('-', '_')
    name = name or truth_key
    match task:
        case 'boundaries':
            return MapReader(
                kind=Lines(),
                label=functools.partial(Lines().read, key=truth_key),
                truth=_annotators,
                prediction=functools.partial(_read_contours, name=name),
                empty=_empty_contours,
                strengths=True,
            )
        case 'semantic-boundaries':
            kind = ClassMap(classes=('background', *classes))
            return MapReader(
                kind=kind,
                label=functools.partial(_read_regions, kind=kind),
                truth=functools.partial(_outline, num_classes=len(classes)),
                prediction=functools.partial(_read_class_contours, classes=classes, name=name),
                empty=_empty_class_contours,
                strengths=True,
            )
        case 'segmentation' | 'parts':
            kind = ClassMap(classes=tuple(classes))
            return MapReader(
                kind=kind,
                label=functools.partial(kind.read, key=truth_key),
                prediction=functools.partial(ClassMap().read, key=name),
            )
        case 'saliency':
            return MapReader(
                kind=SoftMask(),
                label=functools.partial(SoftMask().read, key=truth_key),
                truth=_is_salient,
                prediction=functools.partial(read_strengths, key=name),
                strengths=True,
            )
        case 'depth':
            return MapReader(
                kind=Metres(),
                label=functools.partial(Metres().read, key=truth_key),
                prediction=functools.partial(Metres().read, key=name),
            )
        case 'normals':
            return MapReader(
                kind=None,  # angles are the same in every frame
                label=functools.partial(UnitVectors().read, key=truth_key),
                prediction=functools.partial(read_vectors, key=name),
            )
    raise ValueError(f'{task!r} is not a dense task')


def _read_contours(path: pathlib.Path, name: str) -> np.ndarray:
    """Reads boundary strengths (H, W) as `read_strengths` does, and also the files of gPb-UCM."""
    if not is_array(path):
        return read_strengths(path, name)
    key, array = read_named_array(path, ('ucm2', name))
    strengths = check_strengths(path, array)
    # gPb-UCM writes contours at twice the resolution.
    return strengths[2::2, 2::2] if key == 'ucm2' else strengths


def _read_class_contours(path: pathlib.Path, classes: Sequence[str], name: str) -> np.ndarray:
    """Reads the boundary strength of each class (C, H, W).

    Files contain that array or, as `predict` writes them, the most likely class 1..C of each pixel
    and its strength.
    """
    strength_key = f'{name}_strength'
    if is_array(path):
        array = read_array(path, name)
        if array.ndim == 3:
            rows = array.reshape(array.shape[0] * array.shape[1], array.shape[2])
            return check_strengths(path, rows).reshape(array.shape)
        key, strength = read_named_array(path, (strength_key,))
        if key == strength_key:
            return _split_classes(path, strength, classes, name)
    raise UserError(
        f'{path}: semantic boundaries must be an array (C, H, W), one folder of maps for each '
        f'class, or the class of each pixel and its strength as {name!r} and {strength_key!r} in '
        'one .npz file'
    )


def _split_classes(
    path: pathlib.Path, strength: np.ndarray, classes: Sequence[str], name: str
) -> np.ndarray:
    """Returns the strengths (C, H, W) of all classes; 0 where another class is most likely."""
    most_likely = ClassLines(classes=('background', *classes)).read(path, key=name)
    strength = check_strengths(path, strength)
    if most_likely.shape != strength.shape:
        raise UserError(
            f'{path}: {name} has shape {most_likely.shape}, but {name}_strength has shape '
            f'{strength.shape}: they must have the same size'
        )
    return np.where(most_likely == np.arange(1, len(classes) + 1)[:, None, None], strength, 0)


def _read_regions(path: pathlib.Path, kind: ClassMap) -> np.ndarray | SemanticTruth:
    """Reads a map of class regions, or a file of SBD."""
    if path.suffix == '.mat':
        return read_sbd(path, len(kind.classes) - 1)
    return kind.read(path)


def _outline(label: np.ndarray | SemanticTruth, num_classes: int) -> SemanticTruth:
    if isinstance(label, SemanticTruth):
        return label
    return outline_classes(label, num_classes)


def _annotators(label: LineMap) -> np.ndarray:
    return label.share > 127 if label.annotators is None else label.annotators


def _is_salient(label: np.ndarray) -> np.ndarray:
    return label > 127


def _empty_contours(annotators: np.ndarray) -> np.ndarray:
    return np.zeros(annotators.shape[-2:])


def _empty_class_contours(truth: SemanticTruth) -> np.ndarray:
    return np.zeros(truth.boundaries.shape)
