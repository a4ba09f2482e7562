"""Micro-batches: the images of each step, read ahead, as one array structure each."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Mapping, Sequence

import grain
import jax
import numpy as np
from absl import logging

from ubernet_jax.batch import Batch
from ubernet_jax.config import DataConfig
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.errors import UserError
from ubernet_jax.tasks import Task
from ubernet_jax.training.collation import collate
from ubernet_jax.training.epochs import PADDING, Epochs, MicroBatch
from ubernet_jax.transforms.joint import fit


class MicroBatches:
    """This process's micro-batches of a run, by step; a Grain random-access source."""

    def __init__(
        self,
        epochs: Epochs,
        datasets: Sequence[Dataset],
        labels: Sequence[Mapping[str, str]],
        config: DataConfig,
        tasks: Mapping[str, Task],
        seed: int,
        steps: int,
        process: tuple[int, int] = (0, 1),
    ):
        """Says where images have more objects than their task takes.

        Args:
          epochs: which images each step sees.
          datasets: opened.
          labels: of each dataset, task -> the name of its label.
          config: buckets and augmentation.
          tasks: of the network.
          seed: of the augmentation.
          steps: length of the source.
          process: (index, count) of the processes that share each step's micro-batches evenly.
        """
        self._epochs, self._datasets, self._labels = epochs, datasets, labels
        self._config, self._tasks, self._seed, self._steps = config, tasks, seed, steps
        index, count = process
        share = config.micro_batches_per_step // count
        self._own = slice(index * share, (index + 1) * share)
        for dataset, names in zip(datasets, labels, strict=True):
            for task, name in names.items():
                if excess := tasks[task].find_excess(dataset.counts[name]):
                    logging.warning('%s, task %s: %s', dataset.source, task, excess)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> list[Batch]:
        if not 0 <= step < self._steps:
            raise IndexError(f'step {step} of {self._steps}')
        numbered = list(enumerate(self._epochs.plan(step)))[self._own]
        return [self._read(step, number, micro_batch) for number, micro_batch in numbered]

    def names(self, step: int) -> list[str]:
        """DATASET:ID of each image of a step, of all processes."""
        return [
            f'{dataset.name}:{dataset.ids[index]}'
            for micro_batch in self._epochs.plan(step)
            for dataset in [self._datasets[micro_batch.dataset]]
            for index in micro_batch.images()
        ]

    def _read(self, step: int, number: int, micro_batch: MicroBatch) -> Batch:
        rng = np.random.default_rng((self._seed, step, 1 + number))
        config, dataset = self._config, self._datasets[micro_batch.dataset]
        size, names = config.buckets[micro_batch.bucket], self._labels[micro_batch.dataset]
        examples = []
        for index in micro_batch.indices:
            example = None if index == PADDING else dataset[int(index)].rename(names)
            fitted = example and fit(
                example, size, config.scale, config.flip, rng, config.rotations
            )
            examples.append(fitted)
        return collate(examples, size, self._tasks)


def read_ahead(
    batches: MicroBatches, start: int, workers: int
) -> Generator[list[Batch], None, None]:
    """Yields the micro-batches of each step from `start` on; close it after use.

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


def _copy(batches: list[Batch]) -> list[Batch]:
    """Out of the reader's shared memory, which is unmapped while JAX may still use the original."""
    return jax.tree.map(np.array, batches)


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
