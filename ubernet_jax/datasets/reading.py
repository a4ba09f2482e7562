"""Prepared datasets as random-access sequences of `Example`s."""

import concurrent.futures
import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from google.protobuf import json_format
from tqdm import tqdm

from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.datasets.storage import records
from ubernet_jax.datasets.storage.fingerprint import fingerprint
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels import LabelKind
from ubernet_jax.process_limits import find_shortage
from ubernet_jax.writing import new_file


@dataclasses.dataclass(kw_only=True, eq=False)
class Dataset:
    """Images of a split of a prepared dataset. Picklable; the files are opened when first read.

    The images of the full split are in the order of its list.

    Attributes:
      name: name of the dataset, as in configs.
      split: name of the split.
      directory: folder of the prepared datasets.
      collection: datasets with the same collection use the same id for the same photograph.
      labels: name -> kind of the labels of the full dataset.
      ids: id of each image, unique in the split.
      sizes: int32 (n, 2), height and width of each image in pixels.
      labelled: label -> bool (n,), whether each image has the label.
      counts: label -> int32 (n,), number of objects in each image: see `LabelKind.count`.
      rows: int (n,), index of each image in the split.
    """

    name: str
    split: str
    directory: pathlib.Path
    collection: str
    labels: Mapping[str, LabelKind]
    ids: tuple[str, ...]
    sizes: np.ndarray
    labelled: Mapping[str, np.ndarray]
    counts: Mapping[str, np.ndarray]
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Example:
        """Reads an image with its labels.

        Raises:
          UserError: the files of the split are damaged or missing.
        """
        row = int(self.rows[index])
        with self._explaining_damage(row):
            example = records.decode(self._source[row], self.labels)
        for name in [name for name in example.labels if not self.labelled[name][index]]:
            del example.labels[name]  # see `keep_labels`
        return example

    def take(self, chosen: np.ndarray) -> 'Dataset':
        """Selects images by a mask or an index array (n,)."""
        return dataclasses.replace(
            self,
            ids=tuple(np.array(self.ids, object)[chosen]),
            sizes=self.sizes[chosen],
            labelled={name: flags[chosen] for name, flags in self.labelled.items()},
            counts={name: objects[chosen] for name, objects in self.counts.items()},
            rows=self.rows[chosen],
        )

    def keep_labels(self, kept: Mapping[str, np.ndarray]) -> 'Dataset':
        """Returns the images with some of their labels: label -> bool (n,), of which image."""
        nowhere = np.zeros(len(self), bool)
        masks = {name: kept.get(name, nowhere) for name in self.labels}
        return dataclasses.replace(
            self,
            labelled={name: flags & masks[name] for name, flags in self.labelled.items()},
            counts={name: objects * masks[name] for name, objects in self.counts.items()},
        )

    @property
    def source(self) -> str:
        """Dataset and split, such as `voc2012:train`."""
        return f'{self.name}:{self.split}'

    def present_labels(self) -> list[str]:
        """Returns the names of the labels that at least one image has."""
        return [name for name, flags in self.labelled.items() if flags.any()]

    @functools.cached_property
    def fingerprints(self) -> np.ndarray:
        """Fingerprints of the images, uint64 (n, 4): see `fingerprint`.

        They are computed once, in a few milliseconds per image, and stored beside the records.
        """
        builder = make_builder(self.name, self.directory)
        path = pathlib.Path(builder.data_path, f'fingerprints-{self.split}.npy')
        source = self._open(deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES)
        stored = _read_stored(path)
        if stored is not None and (stored.shape, stored.dtype) == ((len(source), 4), np.uint64):
            return stored[self.rows]

        def compute(row: int) -> np.ndarray:
            with self._explaining_damage(row):
                return fingerprint(records.read_image_file(source[row]))

        with concurrent.futures.ThreadPoolExecutor() as pool:
            results = pool.map(compute, range(len(source)))
            label = f'fingerprints of {self.source}'
            computed = np.array(list(tqdm(results, label, len(source), leave=False, disable=None)))
        with contextlib.suppress(OSError), new_file(path) as new:  # the folder may be read-only
            np.save(new, computed)
        return computed[self.rows]

    @functools.cached_property
    def _source(self) -> Sequence[dict]:
        return self._open(decoders={'image': tfds.decode.SkipDecoding()})

    def _open(self, **options: Any) -> Sequence[Any]:
        builder = make_builder(self.name, self.directory)
        # A decorator in TFDS hides the signature.
        return builder.as_data_source(self.split, **options)  # pyright: ignore[reportCallIssue]

    @contextlib.contextmanager
    def _explaining_damage(self, row: int) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            record = f'{self.source}: record {row}'
            if advice := find_shortage(error):
                raise UserError(f'{record} cannot be read ({error}): {advice}') from error
            raise _damaged(record, self.directory / self.name, error) from error


def _read_stored(path: pathlib.Path) -> np.ndarray | None:
    """Reads a stored array; None if the file is missing or damaged."""
    try:
        return np.load(path)
    except Exception:  # a damaged header, which is Python source, raises almost any type
        return None


def open_dataset(name: str, split: str, directory: pathlib.Path) -> Dataset:
    """Opens a split of a prepared dataset.

    Args:
      name: a name in `registry.KNOWN_NAMES`, such as `bsds500` or `folder/kitchen`.
      split: a split of the dataset, such as `train`.
      directory: folder of the prepared datasets.

    Raises:
      UserError: the dataset is unknown, damaged or not prepared, or has no such split.
    """
    try:
        builder = make_builder(name, directory)
        splits = builder.split_metadata
    except (json_format.Error, ValueError) as error:
        raise _damaged(f'dataset {name}', directory / name, error) from error
    if not builder.is_prepared():
        source = '--source DIR ' if builder.marker else ''
        state = f'is not prepared in {directory}; prepare it with'
        if others := builder.list_other_versions():
            state = (
                f'is prepared in {directory} in format {", ".join(others)}, but this version reads '
                f'format {builder.version}; prepare it again with'
            )
        raise UserError(
            f'dataset {name} {state}\n  ubernet prepare {name} {source}--directory {directory}'
        )
    if not splits:
        raise _damaged(f'dataset {name}', directory / name, 'its description is missing')
    if split not in splits:
        raise UserError(f'dataset {name} has no split {split!r}; it has {", ".join(splits)}')
    metadata = splits[split]
    return Dataset(
        name=name,
        split=split,
        directory=directory,
        collection=builder.collection or f'{name}:{split}',
        labels=builder.read_labels(),
        ids=tuple(metadata['ids']),
        sizes=np.array(metadata['sizes'], np.int32),
        labelled={
            name: np.array(list(flags)) == '1' for name, flags in metadata['labelled'].items()
        },
        counts={name: np.array(objects, np.int32) for name, objects in metadata['counts'].items()},
        rows=np.arange(len(metadata['ids'])),
    )


def _damaged(what: str, folder: pathlib.Path, reason: object) -> UserError:
    return UserError(
        f'{what} cannot be read ({reason}): a file in {folder} is damaged or missing. '
        'Delete that folder, prepare the dataset again, and run the same command'
    )
