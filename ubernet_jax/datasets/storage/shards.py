"""Shards: the files of a prepared set, each a run of a split's images.

A shard is the unit of work, so that what lies on disk does not depend on how many processes build
it, and the unit of resumption: beside one that is whole lies its `Report`.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import json
import math
import multiprocessing
import multiprocessing.synchronize
import os
import pathlib
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

import tensorflow_datasets as tfds
from tqdm import tqdm

from ubernet_jax.datasets.storage import records
from ubernet_jax.datasets.storage.image_storage import Storage
from ubernet_jax.datasets.storage.sources import source_digest
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels import LabelKind
from ubernet_jax.labels.kind import Survey, add_surveys

SHARD_IMAGES = 64  # of a shard, at least; fewer are read before another process has started
MAX_SHARDS = 128  # of a split; a reader keeps all its files open


class Reader(Protocol):
    """What reads an item of a split, in this process or another; `Builder` is one."""

    def read(self, item: Any) -> tuple[Example, bytes]: ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """What one file shall hold.

    Attributes:
      split: the split's name.
      items: what `Reader.read` takes, of each image in turn.
      source: fingerprint of the items and of how they are stored.
      path: the file.
    """

    split: str
    items: Sequence[Any]
    source: str
    path: pathlib.Path

    @property
    def report_path(self) -> pathlib.Path:
        """Where the shard's report lies."""
        return self.path.with_name(f'{self.path.name}.json')


@dataclasses.dataclass(slots=True, kw_only=True)
class Report:
    """What a finished shard holds.

    Attributes:
      source: see `Shard`.
      split: see `Shard`.
      bytes: size of the file.
      ids: of its images.
      sizes: height and width of each.
      labelled: label -> '1' or '0' for each, whether it has that label.
      counts: label -> how many objects each has, of kinds that have objects: `LabelKind.count`.
      surveys: label -> counts of its values: `LabelKind.survey`.
    """

    source: str
    split: str
    bytes: int = 0
    ids: list[str] = dataclasses.field(default_factory=list)
    sizes: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    labelled: dict[str, str] = dataclasses.field(default_factory=dict)
    counts: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    surveys: dict[str, Survey] = dataclasses.field(default_factory=dict)

    def add(self, example: Example, kinds: Mapping[str, LabelKind]) -> None:
        """Counts one image more; `kinds` are those of all labels of the dataset."""
        self.ids.append(example.id)
        self.sizes.append(example.image.shape[:2])
        for name, kind in kinds.items():
            present = name in example.labels
            self.labelled[name] = self.labelled.get(name, '') + ('1' if present else '0')
            count = kind.count(example.labels[name]) if present else None
            self.counts.setdefault(name, []).append(count or 0)
            if present:
                survey = kind.survey(example.labels[name])
                before = self.surveys.get(name)
                self.surveys[name] = add_surveys(before, survey) if before else survey


def merge_reports(reports: Sequence[Report]) -> dict[str, Any]:
    """The fields of all images of some shards of one split, in their order."""
    merged: dict[str, Any] = {
        field: [entry for report in reports for entry in getattr(report, field)]
        for field in ('ids', 'sizes')
    }
    names = list(reports[0].labelled)
    surveys = {}
    for name in names:
        own = [report.surveys[name] for report in reports if name in report.surveys]
        if own:
            surveys[name] = functools.reduce(add_surveys, own)
    return merged | {
        'labelled': {name: ''.join(report.labelled[name] for report in reports) for name in names},
        'counts': {name: sum((report.counts[name] for report in reports), []) for name in names},
        'surveys': surveys,
    }


def make_template(name: str, split: str, folder: os.PathLike) -> tfds.core.ShardedFileTemplate:
    """How the files of a split are called."""
    return tfds.core.ShardedFileTemplate(
        dataset_name=name, data_dir=folder, filetype_suffix='array_record', split=split
    )


def plan_shards(
    name: str,
    splits: dict[str, Sequence[Any]],
    kinds: Mapping[str, LabelKind],
    storage: Storage,
    folder: pathlib.Path,
) -> list[Shard]:
    """All shards of a set, split by split.

    Args:
      name: how TFDS calls the set.
      splits: as `Builder.list_splits` gives them.
      kinds: of the set's labels.
      storage: how images are to be stored.
      folder: where the shards shall lie.
    """
    shards = []
    for split, items in splits.items():
        template = make_template(name, split, folder)
        length = max(SHARD_IMAGES, math.ceil(len(items) / MAX_SHARDS))
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


def build_shards(
    name: str,
    shards: Sequence[Shard],
    reader: Reader,
    kinds: Mapping[str, LabelKind],
    storage: Storage,
    workers: int,
) -> list[Report]:
    """Writes those of a set's shards that are not there yet; says what each holds.

    Args:
      name: what the progress bar calls the set.
      shards: all in one folder, which exists; what else is in it is removed.
      reader: picklable.
      kinds: of the set's labels.
      storage: how images are stored.
      workers: processes, at most; where there is little to do, this one does it.

    Raises:
      UserError: `reader` finds a fault, or a process dies. Shards that are whole stay.
      OSError, RuntimeError: a file cannot be written. Shards that are whole stay.
    """
    reports = _keep_finished(shards)
    left = [shard for shard in shards if shard.path not in reports]
    images, images_left = (sum(len(shard.items) for shard in some) for some in (shards, left))
    write = functools.partial(_write_shard, reader, kinds, storage)
    progress = tqdm(desc=name, total=images, initial=images - images_left, unit='image')
    try:
        with progress, _open_map(min(workers, images_left // SHARD_IMAGES)) as run:
            for shard, report in zip(left, run(write, left), strict=True):
                reports[shard.path] = report
                progress.update(len(shard.items))
    except BrokenProcessPool as error:
        raise UserError(
            f'a process that prepared {name} died, maybe for want of memory: '
            f'run the command again with fewer, --workers {max(1, workers // 2)}'
        ) from error
    finally:
        _keep_finished(shards)
    return [reports[shard.path] for shard in shards]


def _keep_finished(shards: Sequence[Shard]) -> dict[pathlib.Path, Report]:
    """The reports of those that are whole, by path; removes every other file of their folder."""
    reports, kept = {}, set()
    for shard in shards:
        with contextlib.suppress(OSError, ValueError, TypeError):  # none, or not a report
            report = Report(**json.loads(shard.report_path.read_text()))
            if report.source == shard.source and shard.path.exists():
                reports[shard.path] = report
                kept |= {shard.path, shard.report_path}
    for path in shards[0].path.parent.iterdir():
        if path not in kept:
            path.unlink()
    return reports


@contextlib.contextmanager
def _open_map(processes: int) -> Iterator[Callable]:
    """A `map` that runs in so many processes, or in this one; results come in order."""
    if processes < 2:
        yield map
        return
    context = multiprocessing.get_context('spawn')  # JAX and the record writer have threads
    stop = context.Event()
    with concurrent.futures.ProcessPoolExecutor(processes, context, _start_worker, (stop,)) as pool:
        try:
            yield pool.map
        finally:
            stop.set()  # the pool waits for every shard that it has handed out


_stop: multiprocessing.synchronize.Event | None = None  # in a worker: the build is given up


def _start_worker(stop: multiprocessing.synchronize.Event) -> None:
    global _stop
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the first process to act on


def _write_shard(
    reader: Reader, kinds: Mapping[str, LabelKind], storage: Storage, shard: Shard
) -> Report:
    """Writes the shard, and then its report, which says that the shard is whole."""
    report = Report(source=shard.source, split=shard.split)
    features = records.make_features(kinds)
    serializer = tfds.core.ExampleSerializer(features.get_serialized_info())

    def serialize(number: int, item: Any) -> tuple[int, bytes]:
        if _stop and _stop.is_set():
            raise KeyboardInterrupt
        try:
            example, encoded_image = reader.read(item)
            example = dataclasses.replace(example, kinds=kinds)
            example, encoded_image = storage.apply(example, encoded_image)
        except OSError as error:  # of the disk; what is wrong with a file is a UserError already
            raise UserError(f'{error.filename} cannot be read: {error.strerror}') from error
        report.add(example, kinds)
        record = features.encode_example(records.encode(example, kinds, encoded_image))
        # TFDS's own way to bytes orders fields at random.
        return number, serializer.get_tf_example(record).SerializeToString(deterministic=True)

    writer = tfds.core.ExampleWriter(tfds.core.FileFormat.ARRAY_RECORD)
    writer.write(shard.path, (serialize(*numbered) for numbered in enumerate(shard.items)))
    report.bytes = shard.path.stat().st_size
    unfinished = shard.report_path.with_suffix('.part')
    unfinished.write_text(json.dumps(dataclasses.asdict(report)))
    unfinished.rename(shard.report_path)
    return report
