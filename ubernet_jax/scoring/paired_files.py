"""Pairs the prediction and the ground truth of every image by file name."""

import abc
import dataclasses
import hashlib
import pathlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.labels import LabelKind, SoftMask
from ubernet_jax.labels.box_files import read_boxes
from ubernet_jax.labels.soft_mask import read_strengths
from ubernet_jax.metrics.annotations import read_detections
from ubernet_jax.metrics.boxes import Objects, ScoredBoxes
from ubernet_jax.metrics.metric import Measure
from ubernet_jax.metrics.semantic_boundaries import SemanticTruth
from ubernet_jax.scoring.files import MAPS, list_left_out, list_predictions, list_truths
from ubernet_jax.scoring.readers import MapReader
from ubernet_jax.scoring.values import count_values

TRUTH, PREDICTION = 'the ground truth', 'the predictions'
NO_DETECTIONS = ScoredBoxes(boxes=np.zeros((0, 4)), scores=np.zeros(0), classes=np.zeros(0, int))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The prediction and the ground truth of one image.

    Attributes:
      prediction: as the metric expects it; an empty prediction if there is no file.
      truth: as the metric expects it.
      values: counts of the values in the files: see `values.count_values`.
    """

    prediction: Any
    truth: Any
    values: Measure = dataclasses.field(default_factory=dict)


class PairedFiles(abc.ABC):
    """Predictions and ground truth of a benchmark; picklable, for use in other processes.

    Attributes:
      names: the images that have ground truth.
      kinds: see `values.require_plausible`.
    """

    names: list[str]
    kinds: Mapping[str, LabelKind] = {}

    @abc.abstractmethod
    def missing(self) -> list[str]:
        """Returns the images without a prediction."""

    @abc.abstractmethod
    def load(self, name: str) -> Pair:
        """Reads the files of one image."""

    @abc.abstractmethod
    def left_out(self) -> dict[str, list[str]]:
        """Lists what is in the folders but is not scored: reason -> names, in a fixed order."""

    def fingerprint(self, name: str) -> str:
        """Returns a digest of the content of the image's files.

        It is empty for tasks that cannot be resumed, which do not need it.
        """
        return ''


class PairedMaps(PairedFiles):
    """Maps, one file per image in both folders: see `files`."""

    def __init__(self, reader: MapReader, predictions: pathlib.Path, truths: pathlib.Path) -> None:
        self.reader = reader
        self.folders = predictions, truths
        self.truths = list_truths(truths, MAPS)
        self.names = sorted(self.truths, key=_number_and_name)
        self.predictions = self.list_predictions(predictions)
        kinds: dict[str, LabelKind] = {PREDICTION: SoftMask()}
        if reader.kind:
            kinds[TRUTH] = reader.kind
        self.kinds = kinds

    def list_predictions(self, folder: pathlib.Path) -> list[dict[str, pathlib.Path]]:
        """Lists the files that make up the predictions; each dictionary is image -> file."""
        return [list_predictions(folder, self.names)]

    def missing(self) -> list[str]:
        return [name for name in self.names if not self._is_predicted(name)]

    def load(self, name: str) -> Pair:
        label = self.reader.label(self.truths[name])
        truth, values = self.reader.truth(label), {}
        if self.reader.kind and not isinstance(label, SemanticTruth):
            values = count_values(TRUTH, self.reader.kind.survey(label))
        if not self._is_predicted(name):
            return Pair(prediction=self.reader.empty(truth), truth=truth, values=values)
        prediction = self.read_prediction([files[name] for files in self.predictions])
        if self.reader.strengths and prediction.dtype == np.uint8:
            flat = prediction.reshape(-1, prediction.shape[-1])
            values |= count_values(PREDICTION, SoftMask().survey(flat))
        return Pair(prediction=prediction, truth=truth, values=values)

    def read_prediction(self, files: Sequence[pathlib.Path]) -> np.ndarray:
        """Reads the files that make up a prediction."""
        (file,) = files
        return self.reader.prediction(file)

    def left_out(self) -> dict[str, list[str]]:
        predictions, truths = self.folders
        files = [path for listing in self.predictions for path in listing.values()]
        unknown = [
            str(path.relative_to(predictions))
            for listing in self.predictions
            for name, path in listing.items()
            if name not in self.truths
        ]
        return _left_out(unknown, predictions, files, truths, self.truths.values())

    def fingerprint(self, name: str) -> str:
        digest = hashlib.sha256()
        for files in (self.truths, *self.predictions):
            content = files[name].read_bytes() if name in files else b'absent'
            digest.update(f'{files.get(name)} {len(content)} '.encode())
            digest.update(content)
        return digest.hexdigest()

    def _is_predicted(self, name: str) -> bool:
        return all(name in files for files in self.predictions)


class PairedClassMaps(PairedMaps):
    """Maps with one folder of predictions per class: `CLASS/NAME.png`, or another map (H, W)."""

    def __init__(
        self,
        reader: MapReader,
        predictions: pathlib.Path,
        truths: pathlib.Path,
        class_names: Sequence[str],
        key: str,
    ) -> None:
        self.class_names, self.key = tuple(class_names), key
        super().__init__(reader, predictions, truths)

    def list_predictions(self, folder: pathlib.Path) -> list[dict[str, pathlib.Path]]:
        absent = [name for name in self.class_names if not (folder / name).is_dir()]
        if absent:
            raise UserError(f'{folder} has no folders for the classes {", ".join(absent)}')
        return [list_predictions(folder / name, self.names) for name in self.class_names]

    def read_prediction(self, files: Sequence[pathlib.Path]) -> np.ndarray:
        maps = [read_strengths(file, self.key) for file in files]
        for file, strength in zip(files, maps, strict=True):
            if (strength.shape, strength.dtype) != (maps[0].shape, maps[0].dtype):
                raise UserError(
                    f'{file} has shape {strength.shape} and dtype {strength.dtype}, but '
                    f'{files[0]} has shape {maps[0].shape} and dtype {maps[0].dtype}: the maps of '
                    'all classes must have the same shape and dtype'
                )
        return np.stack(maps)


class PairedBoxes(PairedFiles):
    """Detections or proposals for `read_detections`, and one ground-truth file per image."""

    def __init__(
        self,
        predictions: pathlib.Path,
        truths: pathlib.Path,
        class_names: Sequence[str],
        task: str,
    ) -> None:
        if not predictions.exists():
            raise UserError(f'{predictions} does not exist')
        self.folders = predictions, truths
        self.classes = ('background', *class_names)
        self.truths = list_truths(truths, ('.xml', '.json'))
        self.names = sorted(self.truths)
        self.detections = read_detections(predictions, class_names, task)
        # VOCevaldet.m of the PASCAL VOC development kit: error('unrecognized image "%s"', ...).
        if unknown := sorted(self.detections.keys() - self.truths.keys()):
            files = ', '.join(path.name for path in self.detections.sources[unknown[0]])
            raise UserError(
                f'{predictions}: {len(unknown)} images with detections have no ground truth in '
                f'{truths}, the first is {unknown[0]} in {files}: score detections of the images '
                'of the ground truth only, or give the ground truth of all images'
            )

    def missing(self) -> list[str]:
        return [name for name in self.names if name not in self.detections]

    def load(self, name: str) -> Pair:
        corners, classes, difficult = read_boxes(self.truths[name], self.classes)
        return Pair(
            prediction=self.detections.get(name, NO_DETECTIONS),
            truth=Objects(boxes=corners, classes=classes - 1, difficult=difficult),
        )

    def left_out(self) -> dict[str, list[str]]:
        predictions, truths = self.folders
        return _left_out([], predictions, self.detections.files, truths, self.truths.values())


def _number_and_name(name: str) -> tuple[int, str]:
    """The order of images: 9 before 10. Some protocols average over consecutive images."""
    return (int(name) if name.isdecimal() else -1), name


def _left_out(
    unknown: list[str],
    predictions: pathlib.Path,
    predicted: Collection[pathlib.Path],
    truths: pathlib.Path,
    labelled: Collection[pathlib.Path],
) -> dict[str, list[str]]:
    """Returns the result of `PairedFiles.left_out`, given the files that were read."""
    left_out = {'predictions of images without ground truth': unknown} if unknown else {}
    for what, folder, used in (
        ('predictions', predictions, predicted),
        ('ground truth', truths, labelled),
    ):
        for kind, names in list_left_out(folder, used).items():
            left_out[f'{kind} among the {what}'] = names
    return left_out
