"""Prepared datasets as random-access sequences of `Example`s."""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow_datasets as tfds
from google.protobuf import json_format

from ubernet_jax.datasets import records
from ubernet_jax.datasets.catalogue import make_builder
from ubernet_jax.errors import UserError
from ubernet_jax.structs import Example


@dataclasses.dataclass(kw_only=True, eq=False)
class Dataset:
    """One split of a prepared dataset, in the order of its list. Picklable; opened when first read.

    Attributes:
      name: the dataset's name, as in configs.
      split: the split's name.
      directory: where prepared sets lie.
      tasks: tasks for which at least one image of the split is labelled.
      ids: each image's id, unique in the split.
      sizes: int32 (n, 2), each image's height and width in pixels.
      box_counts: int32 (n,), each image's boxes that are not difficult.
    """

    name: str
    split: str
    directory: pathlib.Path
    tasks: frozenset[str]
    ids: tuple[str, ...]
    sizes: np.ndarray
    box_counts: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Example:
        """An image with its labels.

        Raises:
          UserError: the files of the split are damaged or no longer there.
        """
        try:
            return records.decode(self._source[index])
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            what = f'image {self.ids[index]} of {self.name}:{self.split}'
            raise _damaged(what, self.directory / self.name, error) from error

    @functools.cached_property
    def _source(self) -> Sequence[dict]:
        return make_builder(self.name, self.directory).as_data_source(
            self.split, decoders={'image': tfds.decode.SkipDecoding()}
        )


def open_dataset(name: str, split: str, directory: pathlib.Path) -> Dataset:
    """Opens one split of a prepared dataset.

    Args:
      name: a dataset of `catalogue.KNOWN_NAMES`, such as `bsds500` or `folder/kitchen`.
      split: one of the dataset's splits, such as `train`.
      directory: where prepared sets lie.

    Raises:
      UserError: the dataset is unknown, damaged or not prepared, or has no such split.
    """
    try:
        builder = make_builder(name, directory)
        splits = builder.info.metadata
    except (json_format.Error, ValueError) as error:
        raise _damaged(f'dataset {name}', directory / name, error) from error
    if not builder.is_prepared():
        source = '--source DIR ' if builder.marker else ''
        fault = f'is not prepared in {directory}; prepare it with'
        if others := builder.list_other_versions():
            fault = (
                f'is prepared in {directory} in format {", ".join(others)}, but format '
                f'{builder.version} is read now; prepare it again with'
            )
        raise UserError(
            f'dataset {name} {fault}\n'
            f'  python -m ubernet_jax.prepare {name} {source}--directory {directory}'
        )
    if not splits:
        raise _damaged(f'dataset {name}', directory / name, 'its description is gone')
    if split not in splits:
        raise UserError(f'dataset {name} has no split {split!r}; it has {", ".join(splits)}')
    return Dataset(
        name=name,
        split=split,
        directory=directory,
        tasks=frozenset(splits[split]['labelled']),
        ids=tuple(splits[split]['ids']),
        sizes=np.array(splits[split]['sizes'], np.int32),
        box_counts=np.array(splits[split]['box_counts'], np.int32),
    )


def _damaged(what: str, folder: pathlib.Path, reason: object) -> UserError:
    return UserError(
        f'{what} cannot be read ({reason}): a file in {folder} is damaged or gone. '
        'Remove that folder, prepare the dataset again, and run the same command'
    )
