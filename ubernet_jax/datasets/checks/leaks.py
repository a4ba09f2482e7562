"""Leaks: photographs that a network is both trained and tested on, which inflates its scores.

Datasets overlap: photographs of VOC2012 are in SBD, PASCAL-Context and Person-Part, PASCAL-S has
some of them under other ids, and the official splits of different datasets are not consistent.

Both ids and fingerprints of all images are compared before every run. Comparing ids alone would be
faster, but would miss the same photograph under another name. Fingerprints are computed once for a
prepared dataset, in one to two seconds per thousand images, and are then read from disk.
"""

import itertools
import pathlib
from collections.abc import Sequence

import numpy as np

from ubernet_jax.config import DatasetConfig, Leaks
from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.datasets.checks.duplicates import Duplicate, Photographs, find_duplicates
from ubernet_jax.datasets.reading import Dataset, open_dataset
from ubernet_jax.errors import UserError, name_some


def open_datasets(field: str, settings: Sequence[DatasetConfig], directory: str) -> list[Dataset]:
    """Opens the training datasets or benchmarks of a configuration.

    Args:
      field: of the configuration, for messages.
      settings: names and splits.
      directory: folder of prepared datasets.

    Raises:
      UserError: a dataset is unknown or not prepared, or has no such split.
    """
    root = pathlib.Path(directory)
    opened = []
    for number, setting in enumerate(settings):
        try:
            opened.append(open_dataset(setting.name, setting.split, root))
        except UserError as error:
            raise UserError(f'config: {field}[{number}]: {error}') from error
    return opened


def find_leaks(
    training: Sequence[Photographs], benchmarks: Sequence[Photographs]
) -> list[Duplicate]:
    """Finds each training image, `first`, that is also a test image, `second`."""
    duplicates = (find_duplicates(*pair) for pair in itertools.product(training, benchmarks))
    return list(dict.fromkeys(itertools.chain.from_iterable(duplicates)))


def resolve_leaks(
    training: Sequence[Dataset], policy: Leaks, benchmarks: Sequence[Dataset]
) -> list[Dataset]:
    """Applies the policy for leaks to the training datasets.

    Raises:
      UserError: there are leaks and the policy is to refuse them; names the first images.
    """
    if policy is Leaks.ALLOW:
        return list(training)
    leaks = find_leaks(training, benchmarks)
    if leaks and policy is Leaks.REFUSE:
        lines = '\n  '.join(describe_leaks(leaks))
        raise UserError(
            f'the configuration trains on images that it tests on:\n  {lines}\n'
            'Leave these images out of the training with --config.data.leaks=leave_out, or name '
            f'other splits in the config file ({_describe_splits(leaks, training)}), or train on '
            'them anyway with --config.data.leaks=allow'
        )
    return leave_out(training, leaks)


def leave_out(training: Sequence[Dataset], leaks: Sequence[Duplicate]) -> list[Dataset]:
    """Returns the training datasets without the images that leak, whatever they are labelled for.

    An image that is tested for one task is not trained on for another task either.
    """

    def kept(dataset: Dataset) -> np.ndarray:
        leaking = {leak.first.id for leak in leaks if leak.first.source == dataset.source}
        return np.array([name not in leaking for name in dataset.ids], bool)

    return [dataset.take(kept(dataset)) for dataset in training]


def describe_leaks(leaks: Sequence[Duplicate]) -> list[str]:
    """Describes each pair of datasets in a line: how many images leak, and the first of them."""

    def sources(leak: Duplicate) -> tuple[str, str]:
        return leak.first.source, leak.second.source

    lines = []
    for (trained, tested), group in itertools.groupby(leaks, sources):
        images = list(map(str, group))
        lines.append(f'{len(images)} of {trained} are in {tested}: {name_some(images)}')
    return lines


def _describe_splits(leaks: Sequence[Duplicate], training: Sequence[Dataset]) -> str:
    """Lists the splits of the training datasets that have leaks."""
    directories = {dataset.name: dataset.directory for dataset in training}
    names = dict.fromkeys(leak.first.dataset for leak in leaks)
    splits = {name: make_builder(name, directories[name]).split_metadata for name in names}
    return '; '.join(f'{name} has {", ".join(of_name)}' for name, of_name in splits.items())
