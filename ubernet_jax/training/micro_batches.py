"""The micro-batches of a run, by step: images and labels, augmented and collated."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from absl import logging

from ubernet_jax.batch import Batch
from ubernet_jax.tasks import Task
from ubernet_jax.training.collation import collate
from ubernet_jax.training.epochs import PADDING, Epochs, MicroBatch
from ubernet_jax.transforms.joint import fit
from ubernet_jax.transforms.photometric import distort


class MicroBatches:
    """Micro-batches of this process, by step: a random-access source for Grain."""

    def __init__(
        self,
        epochs: Epochs,
        tasks: Mapping[str, Task],
        seed: int,
        steps: int,
        process: tuple[int, int] = (0, 1),
    ):
        """Warns where images have more objects than their task takes.

        Args:
          epochs: which images each step sees.
          tasks: of the network.
          seed: for the augmentation.
          steps: length of the source.
          process: (index, count) of the processes that share the micro-batches of a step evenly.
        """
        self._epochs, self._tasks, self._seed, self._steps = epochs, tasks, seed, steps
        index, count = process
        share = epochs.config.micro_batches_per_step // count
        self._share = slice(index * share, (index + 1) * share)
        for part in epochs.sets:
            for task, name in part.labels.items():
                if excess := tasks[task].find_excess(part.dataset.counts[name]):
                    logging.warning('%s, task %s: %s', part.dataset.source, task, excess)

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> list[Batch[np.ndarray]]:
        """The micro-batches of step `index`."""
        if not 0 <= index < self._steps:
            raise IndexError(f'step {index} of {self._steps}')
        numbered = list(enumerate(self._epochs.plan(index)))[self._share]
        return [self._read(index, number, micro_batch) for number, micro_batch in numbered]

    def names(self, step: int) -> list[str]:
        """DATASET:ID of each image of a step, in all processes."""
        return [
            f'{dataset.name}:{dataset.ids[index]}'
            for micro_batch in self._epochs.plan(step)
            for dataset in [self._epochs.sets[micro_batch.dataset].dataset]
            for index in micro_batch.images()
        ]

    def _read(self, step: int, number: int, micro_batch: MicroBatch) -> Batch[np.ndarray]:
        rng = np.random.default_rng((self._seed, step, 1 + number))
        config, part = self._epochs.config, self._epochs.sets[micro_batch.dataset]
        size = config.buckets[micro_batch.bucket]
        examples = []
        for index in micro_batch.indices:
            if index == PADDING:
                examples.append(None)
                continue
            example = part.read(int(index))
            example = fit(example, size, config.scale, config.flip, rng, part.rotations)
            if config.photometric:
                image = distort(example.image, config.photometric, rng)
                example = dataclasses.replace(example, image=image)
            examples.append(example)
        return collate(examples, size, self._tasks)
