"""Shards: the files of a prepared dataset, each a run of consecutive images of a split.

A shard is the unit of work, so that the files do not depend on the number of processes, and the
unit of resumption: a finished shard has its `ShardReport` beside it.
"""

import dataclasses
import math
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow_datasets as tfds
from etils import epath

from ubernet_jax.datasets.storage import records
from ubernet_jax.datasets.storage.image_storage import Storage
from ubernet_jax.datasets.storage.sources import source_digest
from ubernet_jax.labels import LabelKind

SHARD_IMAGES = 64  # minimum images per shard; fewer take less time than starting a process
MAX_SHARDS = 128  # maximum per split; a reader keeps all its files open


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The planned content of a file.

    Attributes:
      split: name of the split.
      items: the arguments of `Reader.read` for each image, in order.
      source: digest of the items and of how they are stored.
      path: the file.
    """

    split: str
    items: Sequence[Any]
    source: str
    path: pathlib.Path

    @property
    def report_path(self) -> pathlib.Path:
        """The file of the shard's report."""
        return self.path.with_name(f'{self.path.name}.json')


def make_template(name: str, split: str, folder: os.PathLike) -> tfds.core.ShardedFileTemplate:
    """Returns the template of the file names of a split."""
    return tfds.core.ShardedFileTemplate(
        dataset_name=name,
        data_dir=epath.Path(folder),
        filetype_suffix='array_record',
        split=split,
    )


def plan_shards(
    name: str,
    splits: Mapping[str, Sequence[Any]],
    kinds: Mapping[str, LabelKind],
    storage: Storage,
    folder: pathlib.Path,
    shard_images: int | None = None,
) -> list[Shard]:
    """Plans all shards of a dataset, split by split.

    Args:
      name: name of the dataset in TFDS.
      splits: as returned by `Builder.list_splits`.
      kinds: kinds of the dataset's labels.
      storage: how images are stored.
      folder: folder of the shards.
      shard_images: minimum images per shard, if it is not SHARD_IMAGES.
    """
    shards = []
    for split, items in splits.items():
        template = make_template(name, split, folder)
        length = max(shard_images or SHARD_IMAGES, math.ceil(len(items) / MAX_SHARDS))
        runs = [items[start : start + length] for start in range(0, len(items), length)]
        shards += [
            Shard(
                split=split,
                items=run,
                source=source_digest(run, records.VERSION, kinds, storage),
                path=pathlib.Path(template.sharded_filepath(shard_index=i, num_shards=len(runs))),
            )
            for i, run in enumerate(runs)
        ]
    return shards
