"""Which images a step sees.

A micro-batch comes from one dataset and one size bucket, so that its images have the same labels
and the same shape; all micro-batches of a step share the bucket. An epoch is the union of all
datasets, sampled without replacement. The images of step `n` are a pure function of the seed and
`n`: the position in the data is the step, and neither resuming nor the number of reader processes
changes the order.
"""

import collections
import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ubernet_jax.config import DataConfig
from ubernet_jax.errors import UserError
from ubernet_jax.training.training_sets import TrainingSet

PADDING = -1  # instead of an image, where the last micro-batches of a bucket are not full


class MicroBatch(NamedTuple):
    """Images of a dataset and a bucket (numbers), by `indices` into the dataset, or PADDING."""

    dataset: int
    bucket: int
    indices: np.ndarray

    def images(self) -> np.ndarray:
        """The indices without padding."""
        return self.indices[self.indices != PADDING]


class Epochs:
    """The micro-batches of every step.

    Attributes:
      sets: the union of datasets.
      config: buckets and the size of micro-batches.
      length: steps of an epoch, which shows every image `DatasetConfig.repeat` times.
    """

    def __init__(self, sets: Sequence[TrainingSet], config: DataConfig, seed: int):
        """Assigns every image to a bucket.

        Args:
          sets: the union of datasets.
          config: buckets and the size of micro-batches.
          seed: of the order.

        Raises:
          UserError: there is no image at all.
        """
        self.sets, self.config, self._seed = sets, config, seed
        self._pools = [
            MicroBatch(number, bucket, indices)
            for number, part in enumerate(sets)
            for bucket, indices in enumerate(_by_bucket(part.dataset.sizes, config.buckets))
            if len(indices)
        ]
        if not self._pools:
            names = ', '.join(part.dataset.source for part in sets) or 'none'
            raise UserError(f'no training image in data.train ({names}): name prepared datasets')
        self.length = len(self._epoch(0))

    @property
    def pools(self) -> Sequence[MicroBatch]:
        """All images of each dataset and bucket."""
        return self._pools

    def plan(self, step: int) -> list[MicroBatch]:
        """The micro-batches of a step, counted from 0."""
        epoch, position = divmod(step, self.length)
        return self._epoch(epoch)[position]

    @functools.lru_cache(maxsize=2)  # noqa: B019 (epochs live as long as their run)
    def _epoch(self, epoch: int) -> list[list[MicroBatch]]:
        rng = np.random.default_rng((self._seed, epoch, 0))
        size, together = self.config.images_per_micro_batch, self.config.micro_batches_per_step
        by_bucket = collections.defaultdict(list)
        for number, bucket, indices in self._pools:
            repeats = range(self.sets[number].repeat)
            order = np.concatenate([rng.permutation(indices) for _ in repeats])
            padding = np.full(-len(order) % size, PADDING)
            for chunk in np.concatenate([order, padding]).reshape(-1, size):
                by_bucket[bucket].append(MicroBatch(number, bucket, chunk))
        steps = []
        for micro_batches in by_bucket.values():
            shuffled = [micro_batches[i] for i in rng.permutation(len(micro_batches))]
            empty = shuffled[0]._replace(indices=np.full(size, PADDING))
            shuffled += [empty] * (-len(shuffled) % together)
            steps += [shuffled[i : i + together] for i in range(0, len(shuffled), together)]
        return [steps[i] for i in rng.permutation(len(steps))]


def _by_bucket(sizes: np.ndarray, buckets: Sequence[tuple[int, int]]) -> list[np.ndarray]:
    """For each bucket, the indices of the images whose aspect ratio is nearest to it."""
    aspects = np.log([height / width for height, width in buckets])
    image_aspects = np.log(sizes[:, 0] / sizes[:, 1])
    nearest = np.abs(image_aspects[:, None] - aspects[None]).argmin(1)
    return [np.flatnonzero(nearest == bucket) for bucket in range(len(buckets))]
