"""How the maps of each dense task are read: as labels, but predictions in their own precision."""

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
from ubernet_jax.metrics.boundary_extraction import truth_from_segmentation
from ubernet_jax.metrics.semantic_boundaries import SemanticTruth
from ubernet_jax.scoring.sbd import read_sbd


def _same(label: Any) -> Any:
    return label


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MapReader:
    """How the files of a dense task are read; picklable.

    Attributes:
      kind: of the ground truth, by which its values are judged; None where any can be right.
      label: path -> ground truth as a label.
      truth: label -> what the metric takes as ground truth.
      prediction: path -> what it takes as prediction.
      empty: ground truth of the metric -> what counts as an empty prediction.
      strengths: whether predictions are strengths, 0 to 255 if they are bytes.
    """

    kind: LabelKind | None
    label: Callable[[pathlib.Path], Any]
    truth: Callable[[Any], Any] = _same
    prediction: Callable[[pathlib.Path], np.ndarray]
    empty: Callable[[Any], np.ndarray] = np.zeros_like
    strengths: bool = False


def map_reader(task: str, classes: Sequence[str], name: str | None = None) -> MapReader:
    """The reader of a dense task of the command.

    Args:
      task: the command's, such as `semantic-boundaries`.
      classes: names of the classes; those of semantic boundaries are without a background.
      name: under which files of several arrays hold the prediction; by default the task's.

    Raises:
      UserError: what a reader's functions raise: the file is broken, or holds something else.
    """
    own = task.replace('-', '_')
    name = name or own
    match task:
        case 'boundaries':
            return MapReader(
                kind=Lines(),
                label=functools.partial(Lines().read, key=own),
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
                label=functools.partial(kind.read, key=own),
                prediction=functools.partial(ClassMap().read, key=name),
            )
        case 'saliency':
            return MapReader(
                kind=SoftMask(),
                label=functools.partial(SoftMask().read, key=own),
                truth=_marked,
                prediction=functools.partial(read_strengths, key=name),
                strengths=True,
            )
        case 'depth':
            return MapReader(
                kind=Metres(),
                label=functools.partial(Metres().read, key=own),
                prediction=functools.partial(Metres().read, key=name),
            )
        case 'normals':
            return MapReader(
                kind=None,  # angles are the same in any frame
                label=functools.partial(UnitVectors().read, key=own),
                prediction=functools.partial(read_vectors, key=name),
            )


def _read_contours(path: pathlib.Path, name: str) -> np.ndarray:
    """A map (H, W) of strengths of boundaries, also of gPb-UCM; as `read_strengths`."""
    if not is_array(path):
        return read_strengths(path, name)
    found, array = read_named_array(path, ('ucm2', name))
    strengths = check_strengths(path, array)
    # gPb-UCM writes contours at twice the resolution.
    return strengths[2::2, 2::2] if found == 'ucm2' else strengths


def _read_class_contours(path: pathlib.Path, classes: Sequence[str], name: str) -> np.ndarray:
    """Strength of each class's boundaries (C, H, W).

    Files hold that array, or (as `predict` writes them) the likeliest class 1..C of each pixel and
    its strength.
    """
    stack = read_array(path, name) if is_array(path) else None
    if stack is not None and stack.ndim == 3:
        rows = stack.reshape(stack.shape[0] * stack.shape[1], stack.shape[2])
        return check_strengths(path, rows).reshape(stack.shape)
    wanted = f'{name}_strength'
    found, strength = ('', None) if stack is None else read_named_array(path, (wanted,))
    if found != wanted:
        raise UserError(
            f'{path}: semantic boundaries are an array (C, H, W), a folder of maps for each class, '
            f'or the class of each pixel and its strength as {name!r} and {wanted!r} in one .npz'
        )
    likeliest = ClassLines(classes=('background', *classes)).read(path, key=name)
    if likeliest.shape != check_strengths(path, strength).shape:
        raise UserError(
            f'{path}: {name} has shape {likeliest.shape}, {wanted} {strength.shape}: they must be '
            'of one image'
        )
    return np.where(likeliest == np.arange(1, len(classes) + 1)[:, None, None], strength, 0)


def _read_regions(path: pathlib.Path, kind: ClassMap) -> np.ndarray | SemanticTruth:
    """A map of the classes' regions, or a file of SBD."""
    if path.suffix == '.mat':
        return read_sbd(path, len(kind.classes) - 1)
    return kind.read(path)


def _outline(label: np.ndarray | SemanticTruth, num_classes: int) -> SemanticTruth:
    is_truth = isinstance(label, SemanticTruth)
    return label if is_truth else truth_from_segmentation(label, num_classes)


def _annotators(label: LineMap) -> np.ndarray:
    return label.share > 127 if label.annotators is None else label.annotators


def _marked(label: np.ndarray) -> np.ndarray:
    return label > 127


def _empty_contours(annotators: np.ndarray) -> np.ndarray:
    return np.zeros(annotators.shape[-2:])


def _empty_class_contours(truth: SemanticTruth) -> np.ndarray:
    return np.zeros(truth.boundaries.shape)
