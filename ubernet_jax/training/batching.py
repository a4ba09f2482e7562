"""Micro-batches: which images a step sees, as one array structure.

A micro-batch comes from one dataset and one size bucket, so that its images have the same labels
and the same shape; those of a step share the bucket. An epoch is the union of all datasets without
replacement. Step `n`'s batch is a pure function of the seed and `n`: the position in the data is
the step, and neither resuming nor the number of reader processes changes the order.
"""

import collections
import contextlib
import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Mapping, Sequence
from typing import NamedTuple

import grain
import jax
import numpy as np
from absl import logging

from ubernet_jax.config import DataConfig, DatasetConfig
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.errors import UserError
from ubernet_jax.structs import Batch
from ubernet_jax.tasks import Task
from ubernet_jax.training.collation import collate
from ubernet_jax.transforms.joint import fit

FILLER = -1  # in the place of an image where a bucket's last micro-batches are not full


class MicroBatch(NamedTuple):
    """Which images: of a dataset and a bucket, by number; `indices` of the dataset, or FILLER."""

    dataset: int
    bucket: int
    indices: np.ndarray


class MicroBatches:
    """All micro-batches of a run, by step; a Grain random-access source.

    Attributes:
      epoch_length: steps that show every image once (or its repeat factor's times).
    """

    def __init__(
        self,
        datasets: Sequence[Dataset],
        settings: Sequence[DatasetConfig],
        config: DataConfig,
        tasks: Mapping[str, Task],
        positive_share: float,
        seed: int,
        steps: int,
        process: tuple[int, int] = (0, 1),
    ):
        """Lists every image's bucket.

        Args:
          datasets: opened, one for each of `settings`.
          settings: repeat factor and labels to use of each.
          config: buckets, micro-batch size, augmentation and the most boxes of an image.
          tasks: of the network; each gets a target in every batch.
          positive_share: see `config.LossConfig`.
          seed: of order and augmentation.
          steps: length of the source.
          process: (index, count) of the processes that share each step's micro-batches evenly.

        Raises:
          UserError: there is no image at all.
        """
        self._datasets, self._settings = datasets, settings
        self._wanted = [set(setting.tasks or tasks) & set(tasks) for setting in settings]
        self._config, self._tasks = config, tasks
        self._positive_share, self._seed, self._steps = positive_share, seed, steps
        index, count = process
        share = config.micro_batches // count
        self._own = slice(index * share, (index + 1) * share)
        self._pools = [
            MicroBatch(number, bucket, indices)
            for number, dataset in enumerate(datasets)
            for bucket, indices in enumerate(_by_bucket(dataset.sizes, config.buckets))
            if len(indices)
        ]
        if not self._pools:
            names = ', '.join(f'{d.name}:{d.split}' for d in datasets) or 'none'
            raise UserError(f'no training image in data.train ({names}): name prepared datasets')
        self.epoch_length = len(self._epoch(0))
        for dataset, wanted in zip(datasets, self._wanted, strict=True):
            if 'detection' in wanted:
                _warn_of_many_boxes(dataset, config.max_boxes)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> Batch:
        if not 0 <= step < self._steps:
            raise IndexError(f'step {step} of {self._steps}')
        numbered = list(enumerate(self._plan(step)))[self._own]
        batches = [self._read(step, number, micro_batch) for number, micro_batch in numbered]
        return jax.tree.map(lambda *parts: np.concatenate(parts), *batches)

    def names(self, step: int) -> list[str]:
        """DATASET:ID of each image of a step, of all processes."""
        return [
            f'{dataset.name}:{dataset.ids[index]}'
            for number, _, indices in self._plan(step)
            for dataset in [self._datasets[number]]
            for index in indices
            if index != FILLER
        ]

    def _read(self, step: int, number: int, micro_batch: MicroBatch) -> Batch:
        rng = np.random.default_rng((self._seed, step, 1 + number))
        config, dataset = self._config, self._datasets[micro_batch.dataset]
        size = config.buckets[micro_batch.bucket]
        examples = [
            None
            if index == FILLER
            else fit(dataset[int(index)], size, config.scale, config.flip, rng, config.rotations)
            for index in micro_batch.indices
        ]
        wanted = self._wanted[micro_batch.dataset]
        return collate(examples, size, self._tasks, wanted, self._positive_share, config.max_boxes)

    def _plan(self, step: int) -> list[MicroBatch]:
        """The micro-batches of a step."""
        epoch, position = divmod(step, self.epoch_length)
        return self._epoch(epoch)[position]

    @functools.lru_cache(maxsize=2)  # noqa: B019 (a source lives as long as its run)
    def _epoch(self, epoch: int) -> list[list[MicroBatch]]:
        rng = np.random.default_rng((self._seed, epoch, 0))
        size, together = self._config.micro_batch, self._config.micro_batches
        by_bucket = collections.defaultdict(list)
        for number, bucket, indices in self._pools:
            repeats = range(self._settings[number].repeat)
            order = np.concatenate([rng.permutation(indices) for _ in repeats])
            filler = np.full(-len(order) % size, FILLER)
            for chunk in np.concatenate([order, filler]).reshape(-1, size):
                by_bucket[bucket].append(MicroBatch(number, bucket, chunk))
        steps = []
        for micro_batches in by_bucket.values():
            shuffled = [micro_batches[i] for i in rng.permutation(len(micro_batches))]
            empty = shuffled[0]._replace(indices=np.full(size, FILLER))
            shuffled += [empty] * (-len(shuffled) % together)
            steps += [shuffled[i : i + together] for i in range(0, len(shuffled), together)]
        return [steps[i] for i in rng.permutation(len(steps))]


def read_ahead(batches: MicroBatches, start: int, workers: int) -> Generator[Batch, None, None]:
    """Yields the batches from step `start` on; close it after use.

    Args:
      batches: the source.
      start: the first step.
      workers: reader processes; 0 reads by threads. Processes need parsed absl flags.

    Raises:
      UserError: an image cannot be read, or a reader process was killed.
    """
    dataset = grain.MapDataset.source(batches)[start:].to_iter_dataset(
        grain.ReadOptions(num_threads=2, prefetch_buffer_size=4)
    )
    if workers:
        dataset = dataset.mp_prefetch(
            grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=2),
            worker_init_fn=_follow_the_parent,
        )
    with contextlib.closing(iter(dataset)) as stream:
        try:
            yield from map(_copy, stream)
        except RuntimeError as error:
            if 'process was terminated' not in str(error):  # Grain's word for it
                raise
            raise UserError(
                'a reader process was killed, most likely for want of memory: free some, or lower '
                f'--config.data.workers (now {workers}). The same command continues from the last '
                'checkpoint.'
            ) from error


def _copy(batch: Batch) -> Batch:
    """Out of the reader's shared memory, which is unmapped while JAX may still use the original."""
    return jax.tree.map(np.array, batch)


def _follow_the_parent(worker: int, workers: int) -> None:
    """Makes a reader process end when the training process does, and not before.

    Ctrl-C reaches every process of a terminal, a scheduler's SIGTERM every process of a job. Where
    the parent is killed, nobody else tells its readers.
    """
    del worker, workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    threading.Thread(target=_end_after, args=[parent], daemon=True).start()


def _end_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _by_bucket(sizes: np.ndarray, buckets: Sequence[tuple[int, int]]) -> list[np.ndarray]:
    """Indices of the images whose aspect is nearest to each bucket's."""
    aspects = np.log([height / width for height, width in buckets])
    own = np.log(sizes[:, 0] / sizes[:, 1])
    nearest = np.abs(own[:, None] - aspects[None]).argmin(1)
    return [np.flatnonzero(nearest == bucket) for bucket in range(len(buckets))]


def _warn_of_many_boxes(dataset: Dataset, max_boxes: int) -> None:
    many = np.flatnonzero(dataset.box_counts > max_boxes)
    if len(many):
        logging.warning(
            '%s:%s has images with more than %d boxes, of which the largest are kept; the first is '
            '%s with %d. --config.data.max_boxes=%d keeps all',
            dataset.name,
            dataset.split,
            max_boxes,
            dataset.ids[many[0]],
            dataset.box_counts[many[0]],
            dataset.box_counts.max(),
        )
