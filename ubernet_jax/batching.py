"""Micro-batches: which images a step sees, as one array structure.

A micro-batch comes from one dataset and one size bucket, so that its images have the same labels
and the same shape. An epoch is the union of all datasets without replacement. Step `n`'s batch is
a pure function of the seed and `n`: the position in the data is the step, and neither resuming nor
the number of reader processes changes the order.
"""

import contextlib
import functools
import signal
from collections.abc import Generator, Mapping, Sequence

import grain
import jax
import numpy as np

from ubernet_jax.config import DataConfig, DatasetConfig
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.errors import UserError
from ubernet_jax.structs import Batch, Example
from ubernet_jax.tasks import VOID, LabelKind, Task
from ubernet_jax.transforms import fit

FILLER = -1  # in the place of an image where a bucket's last micro-batch is not full


class MicroBatches:
    """All micro-batches of a run, by step; a Grain random-access source.

    Attributes:
      epoch_length: micro-batches that show every image once (or its repeat factor's times).
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
    ):
        """Lists every image's bucket.

        Args:
          datasets: opened, one for each of `settings`.
          settings: repeat factor and labels to use of each.
          config: buckets, micro-batch size and augmentation.
          tasks: of the network; each gets a target in every batch.
          positive_share: see `config.LossConfig`.
          seed: of order and augmentation.
          steps: length of the source.

        Raises:
          UserError: there is no image at all.
        """
        self._datasets, self._settings = datasets, settings
        self._config, self._tasks = config, tasks
        self._positive_share, self._seed, self._steps = positive_share, seed, steps
        self._pools = [
            (number, bucket, indices)
            for number, dataset in enumerate(datasets)
            for bucket, indices in enumerate(_by_bucket(dataset.sizes, config.buckets))
            if len(indices)
        ]
        if not self._pools:
            names = ', '.join(f'{d.name}:{d.split}' for d in datasets) or 'none'
            raise UserError(f'no training image in data.train ({names}): name prepared datasets')
        self.epoch_length = len(self._epoch(0))

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> Batch:
        number, bucket, indices = self._plan(step)
        rng = np.random.default_rng((self._seed, step, 1))
        config, dataset = self._config, self._datasets[number]
        size = config.buckets[bucket]
        examples = [
            None
            if index == FILLER
            else fit(dataset[int(index)], size, config.scale, config.flip, rng)
            for index in indices
        ]
        wanted = self._settings[number].tasks or tuple(self._tasks)
        return collate(examples, size, self._tasks, wanted, self._positive_share)

    def names(self, step: int) -> list[str]:
        """DATASET:ID of each image of a step."""
        number, _, indices = self._plan(step)
        dataset = self._datasets[number]
        return [f'{dataset.name}:{dataset.ids[i]}' for i in indices if i != FILLER]

    def _plan(self, step: int) -> tuple[int, int, np.ndarray]:
        """(dataset, bucket, indices) of a step."""
        epoch, position = divmod(step, self.epoch_length)
        return self._epoch(epoch)[position]

    @functools.lru_cache(maxsize=2)  # noqa: B019 (a source lives as long as its run)
    def _epoch(self, epoch: int) -> list[tuple[int, int, np.ndarray]]:
        rng = np.random.default_rng((self._seed, epoch, 0))
        plan = []
        for number, bucket, indices in self._pools:
            repeats = range(self._settings[number].repeat)
            order = np.concatenate([rng.permutation(indices) for _ in repeats])
            filler = np.full(-len(order) % self._config.micro_batch, FILLER)
            chunks = np.concatenate([order, filler]).reshape(-1, self._config.micro_batch)
            plan += [(number, bucket, chunk) for chunk in chunks]
        return [plan[i] for i in rng.permutation(len(plan))]


def collate(
    examples: Sequence[Example | None],
    size: tuple[int, int],
    tasks: Mapping[str, Task],
    wanted: Sequence[str],
    positive_share: float,
) -> Batch:
    """Pads examples to `size` at the bottom and the right, and turns labels into targets.

    Args:
      examples: none larger than `size`; None gives an image without a valid pixel or a label.
      size: (height, width) of the batch.
      tasks: each gets a target, filler where it is not labelled.
      wanted: the tasks whose labels are used.
      positive_share: see `config.LossConfig`.
    """
    shape = (len(examples), *size)
    image = np.zeros((*shape, 3), np.uint8)
    valid = np.zeros(shape, bool)
    labelled = {name: np.zeros(len(examples), bool) for name in tasks}
    targets = {
        name: np.zeros((*shape, 3), np.float32)
        if task.label is LabelKind.DIRECTION
        else np.full(shape, VOID, np.int32)
        for name, task in tasks.items()
    }
    for number, example in enumerate(examples):
        if example is None:
            continue
        height, width = example.image.shape[:2]
        window = np.s_[number, :height, :width]
        image[window], valid[window] = example.image, True
        for name in set(wanted) & set(example.labels) & set(tasks):
            _check_classes(tasks[name], example)
            targets[name][window] = to_target(tasks[name], example.labels[name], positive_share)
            labelled[name][number] = True
    return Batch(image=image, valid=valid, targets=targets, labelled=labelled)


def to_target(task: Task, label: np.ndarray, positive_share: float) -> np.ndarray:
    """What the loss compares with: class indices, or unit vectors as they are.

    A share above `positive_share` of 255 is class 1. For lines, a smaller share that is not zero
    is ignored (annotators disagree: common practice since RCF, arXiv 1612.02103); for regions it
    is class 0.
    """
    if task.label is not LabelKind.SHARE:
        return label
    positive = label > 255 * positive_share
    undecided = (label > 0) & ~positive & task.thin
    return np.where(undecided, VOID, positive)


def _check_classes(task: Task, example: Example) -> None:
    label = example.labels[task.name]
    if task.label is LabelKind.CLASSES:
        highest = label[label != VOID].max(initial=0)
        if highest >= task.channels:
            raise UserError(
                f'{task.name} of {example.id} has class {highest}, but the network has classes 0 '
                f'to {task.channels - 1}: set tasks.{task.name}.classes to the names of all'
            )


def read_ahead(batches: MicroBatches, start: int, workers: int) -> Generator[Batch, None, None]:
    """Yields the batches from step `start` on; close it after use.

    Args:
      batches: the source.
      start: the first step.
      workers: reader processes; 0 reads by threads. Processes need parsed absl flags.
    """
    dataset = grain.MapDataset.source(batches)[start:].to_iter_dataset(
        grain.ReadOptions(num_threads=2, prefetch_buffer_size=4)
    )
    if workers:
        dataset = dataset.mp_prefetch(
            grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=2),
            worker_init_fn=_leave_interrupts_to_the_parent,
        )
    with contextlib.closing(iter(dataset)) as stream:
        yield from map(_copy, stream)


def _copy(batch: Batch) -> Batch:
    """Out of the reader's shared memory, which is unmapped while JAX may still use the original."""
    return jax.tree.map(np.array, batch)


def _leave_interrupts_to_the_parent(worker: int, workers: int) -> None:
    """Ctrl-C reaches every process of a terminal; only the training process shall act on it."""
    del worker, workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _by_bucket(sizes: np.ndarray, buckets: Sequence[tuple[int, int]]) -> list[np.ndarray]:
    """Indices of the images whose aspect is nearest to each bucket's."""
    aspects = np.log([height / width for height, width in buckets])
    own = np.log(sizes[:, 0] / sizes[:, 1])
    nearest = np.abs(own[:, None] - aspects[None]).argmin(1)
    return [np.flatnonzero(nearest == bucket) for bucket in range(len(buckets))]
