"""Labels that a trained network, the teacher, has predicted for images of a prepared dataset.

They are beside the dataset, in DIRECTORY/NAME/taught/SPLIT/LABEL: shards of records without images,
and `manifest.json`, which says what they are and who predicted them.
"""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from array_record.python import array_record_data_source

from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.datasets.storage import records
from ubernet_jax.errors import UserError, name_some
from ubernet_jax.json_file import read_json
from ubernet_jax.labels import LabelKind

MANIFEST = 'manifest.json'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrainingImages:
    """The images of a split that a teacher was trained on; for the attributes, see `Dataset`."""

    name: str
    split: str
    collection: str
    ids: Sequence[str]
    fingerprints: np.ndarray

    def to_json(self) -> dict[str, Any]:
        """Returns the fields as plain values; a fingerprint has 64 hexadecimal digits."""
        digits = [words.astype('>u8').tobytes().hex() for words in self.fingerprints]
        return {
            'name': self.name,
            'split': self.split,
            'collection': self.collection,
            'ids': list(self.ids),
            'fingerprints': digits,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> 'TrainingImages':
        """The inverse of `to_json`."""
        digits = bytes.fromhex(''.join(plain['fingerprints']))
        fingerprints = np.frombuffer(digits, '>u8').astype(np.uint64).reshape(-1, 4)
        return cls(**{**plain, 'fingerprints': fingerprints})


@dataclasses.dataclass(kw_only=True, eq=False)
class TaughtLabels:
    """The labels of one name that a teacher has predicted for a split. Picklable, as `Dataset`.

    Attributes:
      folder: the files.
      name: of the label.
      kind: of the label: `Task.taught_label` of the teacher's task.
      teacher: `network` (a digest), `checkpoint`, `experiment`, `step`, `views` and `scores`.
      trained_on: the images that the teacher, and its teachers, were trained on.
      digest: of the labels, 16 hexadecimal digits.
      rows: int (n,), index of the record of each image of the dataset; -1 where there is none.
    """

    folder: pathlib.Path
    name: str
    kind: LabelKind
    teacher: Mapping[str, Any]
    trained_on: Sequence[TrainingImages]
    digest: str
    rows: np.ndarray

    def without(self, images: np.ndarray) -> 'TaughtLabels':
        """Returns the labels of all images except those in the mask, bool (n,)."""
        return dataclasses.replace(self, rows=np.where(images, -1, self.rows))

    def __getitem__(self, index: int) -> Any:
        """Reads the label of an image of the dataset, which must have one.

        Raises:
          UserError: a file is damaged or missing.
        """
        try:
            serialized = self._source[int(self.rows[index])]
            return records.read_labels(serialized, {self.name: self.kind})[self.name]
        except (OSError, RuntimeError, TypeError, ValueError, KeyError) as error:
            raise UserError(
                f'{self.folder} cannot be read ({error}): a file in it is damaged or missing. '
                'Delete that folder and run ubernet teach again'
            ) from error

    @functools.cached_property
    def _source(self) -> array_record_data_source.ArrayRecordDataSource:
        paths = sorted(map(str, self.folder.glob('*.array_record-*')))
        return array_record_data_source.ArrayRecordDataSource(paths)


def taught_folder(dataset: Dataset, name: str) -> pathlib.Path:
    """Returns the folder of the labels of one name that a teacher has predicted for a split."""
    return dataset.directory / dataset.name / 'taught' / dataset.split / name


def open_taught(dataset: Dataset, name: str, kind: LabelKind, task: str) -> TaughtLabels:
    """Opens the labels of one name that a teacher has predicted.

    Args:
      dataset: all images of a split, or some of them.
      name: of the label.
      kind: what the labels must be; without classes it takes any.
      task: that is trained on them, for messages.

    Raises:
      UserError: there are no such labels, they have another kind or other classes, or they belong
        to other images.
    """
    folder = taught_folder(dataset, name)
    if not (folder / MANIFEST).exists():
        if name in dataset.labelled and dataset.labelled[name].all():
            raise UserError(
                f'every image of {dataset.source} has a label {name!r}, and none can be taught: '
                "remove it from 'taught' of this dataset in data.train"
            )
        raise UserError(
            f'{dataset.source} has no taught labels {name!r} in {folder}; predict them with\n  '
            f'ubernet teach --teacher RUN --task {name} --datasets {dataset.name} '
            f'--split {dataset.split} --data-directory {dataset.directory}'
        )
    plain = read_json(folder / MANIFEST)
    try:
        found, classes = plain['kind']['kind'], tuple(plain['kind'].get('classes', ()))
        ids, sizes = plain['ids'], plain['sizes']
        opened = TaughtLabels(
            folder=folder,
            name=name,
            kind=dataclasses.replace(kind, classes=classes) if kind.has_classes else kind,
            teacher=plain['teacher'],
            trained_on=[TrainingImages.from_json(part) for part in plain['trained_on']],
            digest=plain['digest'],
            rows=_find_rows(dataset, {name: row for row, name in enumerate(ids)}, sizes),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f'{folder / MANIFEST} is not the manifest of taught labels ({error!r:.80}): delete '
            f'{folder} and run ubernet teach again'
        ) from error
    if found != kind.name or (kind.classes and kind.classes != classes):
        raise UserError(
            f'the taught labels in {folder} do not fit the task {task}:\n'
            f'  task   {kind.name}: {", ".join(kind.classes) or "no classes"}\n'
            f'  labels {found}: {", ".join(classes) or "no classes"}\n'
            'Teach them with a network of the same kind and classes, or map other labels with '
            'DatasetConfig(labels={...})'
        )
    return opened


def _find_rows(
    dataset: Dataset, records_by_id: Mapping[str, int], sizes: Sequence[Sequence[int]]
) -> np.ndarray:
    """Finds the record of each image, -1 if it has none; raises a UserError if its size differs."""
    rows = np.array([records_by_id.get(name, -1) for name in dataset.ids], int)
    present = np.flatnonzero(rows >= 0)
    differ = (np.reshape(sizes, (-1, 2))[rows[present]] != dataset.sizes[present]).any(axis=1)
    if wrong := [dataset.ids[index] for index in present[differ]]:
        raise UserError(
            f'{dataset.source} was prepared again after its labels were taught: the sizes of '
            f'{name_some(wrong)} differ. Delete {dataset.directory / dataset.name / "taught"} and '
            'run ubernet teach again'
        )
    return rows
