"""Writing shards, in several processes, and resuming an interrupted build."""

import contextlib
import dataclasses
import functools
import multiprocessing
import multiprocessing.synchronize
import pathlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import tensorflow_datasets as tfds

from ubernet_jax.datasets.storage import records, shards
from ubernet_jax.datasets.storage.image_storage import Storage
from ubernet_jax.datasets.storage.shard_report import ShardReport
from ubernet_jax.datasets.storage.shards import Shard
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.json_file import read_json, write_json
from ubernet_jax.labels import LabelKind
from ubernet_jax.photographs import Exif
from ubernet_jax.progress import Progress
from ubernet_jax.worker_pool import worker_pool


class Reader(Protocol):
    """Reads an item of a split, in this process or another; `Builder` is a reader."""

    def read(self, item: Any, exif: Exif) -> tuple[Example, bytes]: ...


def build_shards(
    name: str,
    planned: Sequence[Shard],
    reader: Reader,
    kinds: Mapping[str, LabelKind],
    storage: Storage,
    workers: int,
) -> list[ShardReport]:
    """Writes the shards of a dataset that are not finished yet; returns a report on each shard.

    Args:
      name: name of the dataset on the progress bar.
      planned: all shards, in one existing folder; any other file in that folder is removed.
      reader: picklable.
      kinds: kinds of the dataset's labels.
      storage: how images are stored.
      workers: maximum number of processes; small datasets are written in this process.

    Raises:
      UserError: `reader` finds an error, or a process dies. Finished shards are kept.
      OSError, RuntimeError: a file cannot be written. Finished shards are kept.
    """
    reports = _keep_finished(planned)
    left = [shard for shard in planned if shard.path not in reports]
    images, images_left = (sum(len(shard.items) for shard in part) for part in (planned, left))
    write = functools.partial(_write_shard, reader, kinds, storage)
    progress = Progress('image', images, name, done=images - images_left)
    try:
        with progress, _open_map(name, min(workers, images_left // shards.SHARD_IMAGES)) as run:
            for shard, report in zip(left, run(write, left), strict=True):
                reports[shard.path] = report
                progress.advance(len(shard.items))
    finally:
        _keep_finished(planned)
    return [reports[shard.path] for shard in planned]


def _keep_finished(planned: Sequence[Shard]) -> dict[pathlib.Path, ShardReport]:
    """Returns the reports on the finished shards, by path; removes all other files."""
    reports, kept = {}, set()
    for shard in planned:
        with contextlib.suppress(OSError, UserError, TypeError):  # missing, or not a report
            report = ShardReport(**read_json(shard.report_path))
            if report.source == shard.source and shard.path.exists():
                reports[shard.path] = report
                kept |= {shard.path, shard.report_path}
    for path in planned[0].path.parent.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path not in kept:
            path.unlink()
    return reports


@contextlib.contextmanager
def _open_map(name: str, processes: int) -> Iterator[Callable]:
    """Yields a `map` over this number of processes, or in this process; results are in order."""
    if processes < 2:
        yield map
        return
    stop = multiprocessing.get_context('spawn').Event()
    work = f'prepared {name}'
    remedy = f'run the command again with fewer processes, --workers {processes // 2}'
    with worker_pool(work, remedy, processes, _start_worker, stop) as pool:
        try:
            yield pool.map
        finally:
            stop.set()  # the pool waits for every shard that is already assigned


_stop: multiprocessing.synchronize.Event | None = None  # in a worker: set when the build is aborted


def _start_worker(stop: multiprocessing.synchronize.Event) -> None:
    global _stop
    _stop = stop


def _write_shard(
    reader: Reader, kinds: Mapping[str, LabelKind], storage: Storage, shard: Shard
) -> ShardReport:
    """Writes the shard and then its report, which marks the shard as finished."""
    report = ShardReport(source=shard.source, split=shard.split)
    features = records.make_features(kinds)
    # TFDS declares the result of `get_serialized_info` too narrowly for nested features.
    specs: Any = features.get_serialized_info()
    serializer = tfds.core.ExampleSerializer(specs)

    def serialize(number: int, item: Any) -> tuple[int, bytes]:
        if _stop and _stop.is_set():
            raise KeyboardInterrupt
        try:
            example, encoded_image = reader.read(item, storage.exif)
            example = dataclasses.replace(example, kinds=kinds)
            example, encoded_image = storage.apply(example, encoded_image)
        except OSError as error:  # from the disk; an error in a file is already a UserError
            raise UserError(f'{error.filename} cannot be read: {error.strerror}') from error
        report.add(example, kinds)
        record = features.encode_example(records.encode(example, kinds, encoded_image))
        # TFDS's serialization to bytes orders the fields at random.
        return number, serializer.get_tf_example(record).SerializeToString(deterministic=True)

    writer = tfds.core.ExampleWriter(tfds.core.FileFormat.ARRAY_RECORD)
    writer.write(shard.path, (serialize(*numbered) for numbered in enumerate(shard.items)))
    report.bytes = shard.path.stat().st_size
    write_json(shard.report_path, dataclasses.asdict(report))
    return report
