"""Prepared datasets as random-access sequences of `Example`s."""

import concurrent.futures
import contextlib
import dataclasses
import functools
import pathlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence

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


@dataclasses.dataclass(kw_only=True, eq=False)
class Dataset:
    """Images of one split of a prepared dataset. Picklable; opened when first read.

    Those of the whole split are in the order of its list.

    Attributes:
      name: the dataset's name, as in configs.
      split: the split's name.
      directory: where prepared sets lie.
      collection: sets that have the same one call the same photograph by the same id.
      labels: name -> kind, of the labels of the whole set.
      ids: each image's id, unique in the split.
      sizes: int32 (n, 2), each image's height and width in pixels.
      labelled: label -> bool (n,), whether each image has it.
      counts: label -> int32 (n,), each image's objects: see `LabelKind.count`.
      rows: int (n,), each image's place in the split.
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
        """An image with its labels.

        Raises:
          UserError: the files of the split are damaged or no longer there.
        """
        row = int(self.rows[index])
        with self._explaining_damage(row):
            return records.decode(self._source[row], self.labels)

    def take(self, chosen: np.ndarray) -> 'Dataset':
        """Those images of a mask or an index array (n,)."""
        return dataclasses.replace(
            self,
            ids=tuple(np.array(self.ids, object)[chosen]),
            sizes=self.sizes[chosen],
            labelled={name: flags[chosen] for name, flags in self.labelled.items()},
            counts={name: own[chosen] for name, own in self.counts.items()},
            rows=self.rows[chosen],
        )

    @property
    def source(self) -> str:
        """Such as `voc2012:train`."""
        return f'{self.name}:{self.split}'

    def present_labels(self) -> list[str]:
        """Names of the labels that at least one image has."""
        return [name for name, flags in self.labelled.items() if flags.any()]

    @functools.cached_property
    def fingerprints(self) -> np.ndarray:
        """uint64 (n, 4), each image's `fingerprint`.

        They take a few milliseconds an image, once: they are kept beside the records.
        """
        builder = make_builder(self.name, self.directory)
        path = pathlib.Path(builder.data_path, f'fingerprints-{self.split}.npy')
        source = builder.as_data_source(
            self.split, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES
        )
        kept = _read_kept(path)
        if kept is not None and (kept.shape, kept.dtype) == ((len(source), 4), np.uint64):
            return kept[self.rows]

        def find(row: int) -> np.ndarray:
            with self._explaining_damage(row):
                return fingerprint(records.read_image_file(source[row]))

        with concurrent.futures.ThreadPoolExecutor() as pool:
            found = pool.map(find, range(len(source)))
            label = f'fingerprints of {self.name}:{self.split}'
            whole = np.array(list(tqdm(found, label, len(source), leave=False, disable=None)))
        _save(path, whole)
        return whole[self.rows]

    @functools.cached_property
    def _source(self) -> Sequence[dict]:
        return make_builder(self.name, self.directory).as_data_source(
            self.split, decoders={'image': tfds.decode.SkipDecoding()}
        )

    @contextlib.contextmanager
    def _explaining_damage(self, row: int) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            record = f'{self.name}:{self.split}: record {row}'
            raise _damaged(record, self.directory / self.name, error) from error


def _read_kept(path: pathlib.Path) -> np.ndarray | None:
    """What `_save` wrote; None where there is nothing, or it is damaged: then it is made anew."""
    try:
        return np.load(path)
    except Exception:  # the header is Python, so a damaged one raises nearly any type
        return None


def _save(path: pathlib.Path, array: np.ndarray) -> None:
    """Writes a file wholly or not at all; not at all where it may not."""
    with (
        contextlib.suppress(OSError),
        tempfile.TemporaryDirectory(dir=path.parent) as scratch,
    ):
        unfinished = pathlib.Path(scratch, path.name)
        np.save(unfinished, array)
        unfinished.rename(path)


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
    about = splits[split]
    return Dataset(
        name=name,
        split=split,
        directory=directory,
        collection=builder.collection or f'{name}:{split}',
        labels=builder.read_labels(),
        ids=tuple(about['ids']),
        sizes=np.array(about['sizes'], np.int32),
        labelled={name: np.array(list(flags)) == '1' for name, flags in about['labelled'].items()},
        counts={name: np.array(own, np.int32) for name, own in about['counts'].items()},
        rows=np.arange(len(about['ids'])),
    )


def _damaged(what: str, folder: pathlib.Path, reason: object) -> UserError:
    return UserError(
        f'{what} cannot be read ({reason}): a file in {folder} is damaged or gone. '
        'Remove that folder, prepare the set again, and run the same command'
    )
