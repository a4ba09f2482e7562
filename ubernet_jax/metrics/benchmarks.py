"""Which files make up a benchmark: for every image its prediction and its ground truth."""

import abc
import dataclasses
import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ubernet_jax.metrics.annotations import read_detections, read_objects
from ubernet_jax.metrics.arrays import (
    SUFFIXES,
    find_map,
    read_annotators,
    read_array,
    read_normals,
    read_sbd,
)
from ubernet_jax.metrics.boxes import Detections
from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.semantic_boundaries import SemanticTruth, truth_from_segmentation

NO_DETECTIONS = Detections(boxes=np.zeros((0, 4)), scores=np.zeros(0), classes=np.zeros(0, int))


class Benchmark(abc.ABC):
    """The files of one benchmark; picklable, so that other processes can read them.

    Attributes:
      names: the images, by their ground truth.
    """

    names: list[str]

    @abc.abstractmethod
    def missing(self) -> list[str]:
        """The images without a prediction."""

    @abc.abstractmethod
    def load(self, name: str) -> tuple[Any, Any]:
        """Prediction and ground truth of one image; an empty prediction where there is none."""

    def changed(self, name: str) -> float:
        """When the image's files were last written, in seconds; 0 where that plays no part."""
        return 0.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MapReader:
    """How the files of a dense task are read.

    Attributes:
      prediction: path -> what the metric takes as prediction.
      truth: path -> what it takes as ground truth.
      empty: ground truth -> what counts as an empty prediction.
    """

    prediction: Callable[[pathlib.Path], np.ndarray]
    truth: Callable[[pathlib.Path], Any]
    empty: Callable[[Any], np.ndarray]


class MapBenchmark(Benchmark):
    """One file an image in either folder, `NAME.png`, `.npy`, `.npz` or `.mat`."""

    def __init__(self, reader: MapReader, predictions: pathlib.Path, truths: pathlib.Path) -> None:
        for folder in (predictions, truths):
            if not folder.is_dir():
                raise MetricError(f'{folder} is not a folder')
        self.reader, self.predictions, self.truths = reader, predictions, truths
        self.names = sorted({path.stem for path in truths.iterdir() if path.suffix in SUFFIXES})
        if not self.names:
            raise MetricError(f'{truths} holds no ground truth: no {", ".join(SUFFIXES)} file')

    def missing(self) -> list[str]:
        return [name for name in self.names if None in self.prediction_files(name)]

    def load(self, name: str) -> tuple[np.ndarray, Any]:
        truth = self.reader.truth(find_map(self.truths, name))
        files = self.prediction_files(name)
        return (self.reader.empty(truth) if None in files else self.read_prediction(files)), truth

    def changed(self, name: str) -> float:
        files = find_map(self.truths, name), *self.prediction_files(name)
        return max(file.stat().st_mtime for file in files if file is not None)

    def prediction_files(self, name: str) -> list[pathlib.Path | None]:
        """The files that make up an image's prediction; None for one that is not there."""
        return [find_map(self.predictions, name)]

    def read_prediction(self, files: list[pathlib.Path]) -> np.ndarray:
        """What the metric takes as prediction."""
        return self.reader.prediction(*files)


class ClassMapBenchmark(MapBenchmark):
    """Predictions of each class in a folder of its own: `CLASS/NAME.png`, or another map (H, W)."""

    def __init__(
        self,
        reader: MapReader,
        predictions: pathlib.Path,
        truths: pathlib.Path,
        class_names: Sequence[str],
    ) -> None:
        super().__init__(reader, predictions, truths)
        self.folders = [predictions / name for name in class_names]
        absent = [folder.name for folder in self.folders if not folder.is_dir()]
        if absent:
            raise MetricError(f'{predictions} has no folder for the classes {", ".join(absent)}')

    def prediction_files(self, name: str) -> list[pathlib.Path | None]:
        return [find_map(folder, name) for folder in self.folders]

    def read_prediction(self, files: list[pathlib.Path]) -> np.ndarray:
        maps = [read_array(file, 'boundaries') for file in files]
        for file, strength in zip(files, maps, strict=True):
            if strength.ndim != 2 or strength.shape != maps[0].shape:
                raise MetricError(
                    f'{file} has shape {strength.shape}: all classes need (H, W), '
                    f'and {files[0]} has {maps[0].shape}'
                )
        return np.stack(maps)


class BoxBenchmark(Benchmark):
    """Detections or proposals as `read_detections` finds them, and a file of objects an image."""

    def __init__(
        self, predictions: pathlib.Path, truths: pathlib.Path, class_names: Sequence[str]
    ) -> None:
        if not predictions.exists() or not truths.is_dir():
            raise MetricError(
                f'{truths if predictions.exists() else predictions} does not exist or is no folder'
            )
        self.class_names = tuple(class_names)
        self.truths = {
            path.stem: path for path in sorted(truths.iterdir()) if path.suffix in ('.xml', '.json')
        }
        self.names = list(self.truths)
        if not self.names:
            raise MetricError(f'{truths} holds no ground truth: no .xml or .json file')
        self.detections = read_detections(predictions, class_names)

    def missing(self) -> list[str]:
        return [name for name in self.names if name not in self.detections]

    def load(self, name: str) -> tuple[Detections, Any]:
        truth = read_objects(self.truths[name], self.class_names)
        return self.detections.get(name, NO_DETECTIONS), truth


def sbd_folder(truths: pathlib.Path, *, instances: bool) -> pathlib.Path:
    """The folder of ground truth inside SBD's `dataset` folder; any other folder as it is."""
    folder = truths / ('inst' if instances else 'cls')
    return folder if folder.is_dir() else truths


def map_reader(task: str, num_classes: int) -> MapReader:
    """The reader of a dense task of the command line.

    Args:
      task: a key of the table below.
      num_classes: C; only semantic boundaries use it.
    """
    readers = {
        'boundaries': MapReader(
            prediction=functools.partial(read_array, key='boundaries'),
            truth=read_annotators,
            empty=_empty_boundaries,
        ),
        'semantic-boundaries': MapReader(
            prediction=functools.partial(_read_class_boundaries, num_classes=num_classes),
            truth=functools.partial(_read_semantic_truth, num_classes=num_classes),
            empty=_empty_class_boundaries,
        ),
        'segmentation': _same_kind(functools.partial(read_array, key='segmentation')),
        'parts': _same_kind(functools.partial(read_array, key='parts')),
        'saliency': _same_kind(functools.partial(read_array, key='saliency')),
        'normals': _same_kind(read_normals),
    }
    return readers[task]


def _same_kind(read: Callable[[pathlib.Path], np.ndarray]) -> MapReader:
    return MapReader(prediction=read, truth=read, empty=np.zeros_like)


def _empty_boundaries(annotators: np.ndarray) -> np.ndarray:
    return np.zeros(annotators.shape[-2:])


def _empty_class_boundaries(truth: SemanticTruth) -> np.ndarray:
    return np.zeros(truth.boundaries.shape)


def _read_semantic_truth(path: pathlib.Path, num_classes: int) -> SemanticTruth:
    if path.suffix == '.mat':
        boundaries, regions = read_sbd(path, num_classes)
        return SemanticTruth(boundaries=boundaries, regions=regions)
    return truth_from_segmentation(read_array(path, 'segmentation'), num_classes)


def _read_class_boundaries(path: pathlib.Path, num_classes: int) -> np.ndarray:
    """Strength of each class's boundaries (C, H, W).

    Files hold that array, or (as `predict` writes them) the likeliest class 1..C of each pixel and
    its strength.
    """
    prediction = read_array(path, 'semantic_boundaries')
    if prediction.ndim == 3:
        return prediction
    strength = read_array(path, 'semantic_boundary_strength')
    classes = np.arange(1, num_classes + 1)[:, None, None]
    return np.where(prediction == classes, strength, 0)
