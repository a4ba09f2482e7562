"""Leaks: photographs that a network is both trained and tested on, which flatters its scores.

Sets of photographs overlap: VOC2012's are in SBD, PASCAL-Context and Person-Part, PASCAL-S has
some under numbers of its own, and the official splits of one set do not respect another's.

Both ids and fingerprints of all images are compared before every run. Ids alone would take no time,
but miss the same photograph under another name. Fingerprints are computed once for a prepared set,
in a second or two for a thousand images, and then read in no time.
"""

import itertools
import pathlib
from collections.abc import Sequence

import numpy as np

from ubernet_jax.config import Config, DatasetConfig, Leaks
from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.datasets.checks.duplicates import Duplicate, find_duplicates
from ubernet_jax.datasets.reading import Dataset, open_dataset
from ubernet_jax.errors import UserError

_SHOWN = 3  # images of each two sets that a message names


def open_datasets(settings: Sequence[DatasetConfig], config: Config) -> list[Dataset]:
    """The training sets or benchmarks of a configuration.

    Raises:
      UserError: one is unknown or not prepared, or has no such split.
    """
    directory = pathlib.Path(config.data.directory)
    return [open_dataset(setting.name, setting.split, directory) for setting in settings]


def find_leaks(training: Sequence[Dataset], benchmarks: Sequence[Dataset]) -> list[Duplicate]:
    """Each training image that is a test image: first where it is trained on, then where tested."""
    found = (find_duplicates(*pair) for pair in itertools.product(training, benchmarks))
    return list(dict.fromkeys(itertools.chain.from_iterable(found)))


def resolve_leaks(training: Sequence[Dataset], config: Config) -> list[Dataset]:
    """The training sets, dealt with as `config.data.leaks` says.

    Raises:
      UserError: there are leaks, and they are to be refused; the first images are named.
    """
    if config.data.leaks is Leaks.ALLOW:
        return list(training)
    leaks = find_leaks(training, open_datasets(config.evaluation.benchmarks, config))
    if leaks and config.data.leaks is Leaks.REFUSE:
        lines = '\n  '.join(describe_leaks(leaks))
        raise UserError(
            f'the configuration trains on images that it tests on:\n  {lines}\n'
            'Leave these images out of the training with --config.data.leaks=leave_out; or name '
            f'other splits in the config file ({_describe_splits(leaks, training)}); or train on '
            'them nevertheless, with --config.data.leaks=allow'
        )
    return [_leave_out(dataset, leaks) for dataset in training]


def describe_leaks(leaks: Sequence[Duplicate]) -> list[str]:
    """A line for each two sets: how many images they share, and the first of them."""

    def sources(leak: Duplicate) -> tuple[str, str]:
        return leak.first.source, leak.second.source

    lines = []
    for (trained, tested), group in itertools.groupby(leaks, sources):
        own = list(map(str, group))
        lines.append(f'{len(own)} of {trained} are in {tested}: {name_some(own)}')
    return lines


def name_some(items: Sequence[str]) -> str:
    """The first few of a list."""
    more = len(items) - _SHOWN
    return ', '.join(items[:_SHOWN]) + (f' and {more} more' if more > 0 else '')


def _describe_splits(leaks: Sequence[Duplicate], training: Sequence[Dataset]) -> str:
    """Which splits the training sets have of which images are tested on."""
    directories = {dataset.name: dataset.directory for dataset in training}
    names = dict.fromkeys(leak.first.dataset for leak in leaks)
    splits = {name: make_builder(name, directories[name]).info.metadata for name in names}
    return '; '.join(f'{name} has {", ".join(own)}' for name, own in splits.items())


def _leave_out(dataset: Dataset, leaks: Sequence[Duplicate]) -> Dataset:
    leaking = {leak.first.id for leak in leaks if leak.first.source == dataset.source}
    return dataset.take(np.array([name not in leaking for name in dataset.ids], bool))
