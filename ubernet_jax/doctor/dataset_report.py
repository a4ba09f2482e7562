"""Inspecting a prepared dataset: whether it is whole, readable, and free of repetitions."""

import dataclasses
import enum
import itertools
import os
import pathlib
from collections.abc import Iterator

import numpy as np

from ubernet_jax.datasets.builders.builder import Builder, count_labels
from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.datasets.checks.duplicates import Duplicate, find_duplicates, find_repeats
from ubernet_jax.datasets.reading import open_dataset
from ubernet_jax.doctor.label_report import LabelReport, inspect_labels
from ubernet_jax.errors import UserError

SAMPLE = 20  # images of a split whose pixels are looked at, unless all are
_KEPT = 5  # errors of the images of a split that are named


class Status(enum.Enum):
    """Whether a set can be used."""

    READY = 'ready'
    BROKEN = 'broken'
    ABSENT = 'absent'


@dataclasses.dataclass(slots=True, kw_only=True)
class SplitReport:
    """One split.

    Attributes:
      images: how many there are.
      official: how many there should be; None if nobody says.
      height: the smallest and the greatest, in pixels.
      width: the same.
      labels: by name.
    """

    images: int
    official: int | None
    height: tuple[int, int]
    width: tuple[int, int]
    labels: dict[str, LabelReport]


@dataclasses.dataclass(slots=True, kw_only=True)
class DatasetReport:
    """One dataset.

    Attributes:
      name: as configs have it.
      status: broken if there is any error.
      errors: what is wrong with it, and what mends it.
      notes: what is worth knowing, but not wrong.
      splits: by name.
      duplicates: photographs that are in it twice, in one split or in two.
    """

    name: str
    status: Status = Status.READY
    errors: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    splits: dict[str, SplitReport] = dataclasses.field(default_factory=dict)
    duplicates: list[Duplicate] = dataclasses.field(default_factory=list)


def inspect_dataset(name: str, directory: pathlib.Path, full: bool = False) -> DatasetReport:
    """Looks at ids, sizes and fingerprints of all images of a set, and at the pixels of some.

    Args:
      name: a dataset of `catalogue.KNOWN_NAMES`.
      directory: where prepared sets lie.
      full: look at the pixels of all images.
    """
    report = DatasetReport(name=name)
    try:
        builder = make_builder(name, directory)
        if not builder.is_prepared() and not builder.list_other_versions():
            report.status = Status.ABSENT
            return report
        report.errors += find_errors(builder)
    except Exception as error:  # TFDS raises nearly any type on a broken file
        report.errors.append(_unreadable(error, directory / name))
    if not report.errors:
        if others := builder.list_other_versions():
            report.notes.append(f'what is there in format {", ".join(others)} can be deleted')
        try:
            _inspect_splits(builder, directory, full, report)
        except UserError as error:
            report.errors.append(str(error))
    if report.errors:
        report.status = Status.BROKEN
    return report


def find_errors(builder: Builder) -> list[str]:
    """What is wrong with a built set's format, description or list of files; no record is read."""
    try:
        return list(_find_missing(builder))
    except Exception as error:  # TFDS raises nearly any type on a broken file
        return [_unreadable(error, builder.data_path)]


def _unreadable(error: Exception, folder: os.PathLike) -> str:
    return (
        f'its description cannot be read ({type(error).__name__}: {error}); '
        f'delete {os.fspath(folder)} and prepare the set again'
    )


def _find_missing(builder: Builder) -> Iterator[str]:
    """What a set lacks of today's format and of its files."""
    if not builder.is_prepared():
        others = ', '.join(builder.list_other_versions())
        yield f'is in format {others}, but {builder.version} is read now; prepare it again'
        return
    again = f'delete {builder.data_path} and prepare the set again'
    files = [builder.data_path / name for name in ('dataset_info.json', 'metadata.json')]
    for split, about in builder.info.metadata.items():
        stored = builder.info.splits[split]
        files += stored.filepaths
        if stored.num_examples != len(about['ids']):
            records, ids = stored.num_examples, len(about['ids'])
            yield f'{split} has {records} records, but {ids} ids; {again}'
    for path in files:
        if not path.exists():
            yield f'there is no file {os.fspath(path)}; {again}'


def _inspect_splits(
    builder: Builder,
    directory: pathlib.Path,
    full: bool,
    report: DatasetReport,
) -> None:
    about = builder.info.metadata
    datasets = [open_dataset(report.name, split, directory) for split in about]
    for dataset in datasets:
        own = about[dataset.split]
        labels = {
            name: LabelReport(images=count) for name, count in count_labels(own).items() if count
        }
        report.splits[dataset.split] = SplitReport(
            images=len(dataset),
            official=builder.card.counts.get(dataset.split),
            height=_range(dataset.sizes[:, 0]),
            width=_range(dataset.sizes[:, 1]),
            labels=labels,
        )
        count = len(dataset) if full else min(SAMPLE, len(dataset))
        indices = np.linspace(0, len(dataset) - 1, count).astype(int)
        errors = inspect_labels(dataset, indices, labels)
        report.errors += errors[:_KEPT]
        if len(errors) > _KEPT:
            report.errors.append(f'{dataset.split}: {len(errors) - _KEPT} more errors of images')
    for name, review in builder.review_labels().items():
        report.errors += [f'{name}: {error}' for error in review.errors]
        report.notes += [f'{name}: {note}' for note in review.notes]
    for dataset in datasets:
        report.duplicates += find_repeats(dataset)
    for pair in itertools.combinations(datasets, 2):
        report.duplicates += find_duplicates(*pair)


def _range(values: np.ndarray) -> tuple[int, int]:
    return int(values.min()), int(values.max())
