"""Inspects a prepared dataset: checks that it is complete and readable, and finds duplicates."""

import dataclasses
import enum
import itertools
import os
import pathlib
from collections.abc import Iterator

import numpy as np

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.datasets.builders.split_metadata import count_labels
from ubernet_jax.datasets.checks.duplicates import Duplicate, find_duplicates, find_repeats
from ubernet_jax.datasets.reading import open_dataset
from ubernet_jax.doctor.label_report import LabelReport, inspect_labels
from ubernet_jax.errors import UserError

SAMPLE_SIZE = 20  # images per split whose pixels are inspected by default
_MAX_ERRORS = 5  # errors of images per split that are reported in full


class Status(enum.Enum):
    """Whether a dataset can be used."""

    READY = 'ready'
    BROKEN = 'broken'
    ABSENT = 'absent'


@dataclasses.dataclass(slots=True, kw_only=True)
class SplitReport:
    """A split of a dataset.

    Attributes:
      images: number of images.
      official: official number of images; None if there is no such number.
      height: smallest and largest height, in pixels.
      width: smallest and largest width, in pixels.
      labels: name -> report of the label.
    """

    images: int
    official: int | None
    height: tuple[int, int]
    width: tuple[int, int]
    labels: dict[str, LabelReport]


@dataclasses.dataclass(slots=True, kw_only=True)
class DatasetReport:
    """A dataset.

    Attributes:
      name: as used in configurations.
      status: broken if there is any error.
      errors: what is wrong with the dataset, and how to fix it.
      notes: facts that are worth knowing but are not errors.
      splits: name -> report of the split.
      duplicates: images that occur twice in the dataset, in the same split or in two splits.
    """

    name: str
    status: Status = Status.READY
    errors: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    splits: dict[str, SplitReport] = dataclasses.field(default_factory=dict)
    duplicates: list[Duplicate] = dataclasses.field(default_factory=list)


def inspect_dataset(name: str, directory: pathlib.Path, full: bool = False) -> DatasetReport:
    """Inspects ids, sizes and fingerprints of all images of a dataset, and the pixels of some.

    Args:
      name: a dataset in `registry.KNOWN_NAMES`.
      directory: folder of the prepared datasets.
      full: whether to inspect the pixels of all images.
    """
    report = DatasetReport(name=name)
    try:
        builder = make_builder(name, directory)
        other_versions = builder.list_other_versions()
        if not builder.is_prepared() and not other_versions:
            report.status = Status.ABSENT
            return report
        report.errors += find_errors(builder)
    except Exception as error:  # TFDS raises exceptions of many types on a damaged file
        report.errors.append(_unreadable(error, directory / name))
        report.status = Status.BROKEN
        return report
    if not report.errors:
        if other_versions:
            report.notes.append(f'its files in format {", ".join(other_versions)} can be deleted')
        try:
            _inspect_splits(builder, directory, full, report)
        except UserError as error:
            report.errors.append(str(error))
    if report.errors:
        report.status = Status.BROKEN
    return report


def find_errors(builder: Builder) -> list[str]:
    """Checks format, description and files of a prepared dataset; does not read its records."""
    try:
        return list(_find_missing(builder))
    except Exception as error:  # TFDS raises exceptions of many types on a damaged file
        return [_unreadable(error, builder.data_path)]


def _unreadable(error: Exception, folder: os.PathLike) -> str:
    return (
        f'its description cannot be read ({type(error).__name__}: {error}); '
        f'delete {os.fspath(folder)} and prepare the dataset again'
    )


def _find_missing(builder: Builder) -> Iterator[str]:
    """Yields the errors of the format of a dataset and of its files."""
    if not builder.is_prepared():
        others = ', '.join(builder.list_other_versions())
        yield (
            f'it is in format {others}, but this version reads format {builder.version}; prepare '
            'the dataset again'
        )
        return
    fix = f'delete {builder.data_path} and prepare the dataset again'
    files = [builder.data_path / name for name in ('dataset_info.json', 'metadata.json')]
    for split, metadata in builder.split_metadata.items():
        stored = builder.info.splits[split]
        files += stored.filepaths
        if stored.num_examples != len(metadata['ids']):
            records, ids = stored.num_examples, len(metadata['ids'])
            yield f'{split} has {records} records, but {ids} ids; {fix}'
    for path in files:
        if not path.exists():
            yield f'the file {os.fspath(path)} does not exist; {fix}'


def _inspect_splits(
    builder: Builder,
    directory: pathlib.Path,
    full: bool,
    report: DatasetReport,
) -> None:
    metadata = builder.split_metadata
    datasets = [open_dataset(report.name, split, directory) for split in metadata]
    for dataset in datasets:
        counts = count_labels(metadata[dataset.split])
        labels = {name: LabelReport(images=count) for name, count in counts.items() if count}
        report.splits[dataset.split] = SplitReport(
            images=len(dataset),
            official=builder.card.counts.get(dataset.split),
            height=_range(dataset.sizes[:, 0]),
            width=_range(dataset.sizes[:, 1]),
            labels=labels,
        )
        count = len(dataset) if full else min(SAMPLE_SIZE, len(dataset))
        indices = np.linspace(0, len(dataset) - 1, count).astype(int).tolist()
        errors = inspect_labels(dataset, indices, labels)
        report.errors += errors[:_MAX_ERRORS]
        hidden = len(errors) - _MAX_ERRORS
        if hidden > 0:
            report.errors.append(f'{dataset.split}: {hidden} more errors of images')
    for name, review in builder.review_labels().items():
        report.errors += [f'{name}: {error}' for error in review.errors]
        report.notes += [f'{name}: {note}' for note in review.notes]
    report.notes += [*builder.describe_remarks(), *builder.describe_left_out()]
    for dataset in datasets:
        report.duplicates += find_repeats(dataset)
    for pair in itertools.combinations(datasets, 2):
        report.duplicates += find_duplicates(*pair)


def _range(values: np.ndarray) -> tuple[int, int]:
    return int(values.min()), int(values.max())
