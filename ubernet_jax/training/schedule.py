"""How long a run is, and how many updates each parameter group is expected to make in it.

All of it follows from the data: how many images are labelled for a task, how often an epoch shows
them, and the group's effective batch.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from ubernet_jax.config import Algorithm, Config, GroupConfig
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.tasks.group import SHARED
from ubernet_jax.training.epochs import Epochs


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The plan of a run.

    Attributes:
      steps: of the run,
      epoch: and of an epoch.
      samples: group -> images of the run that count for it.
      updates: group -> updates that it is expected to make.
    """

    steps: int
    epoch: int
    samples: Mapping[str, int]
    updates: Mapping[str, int]

    def describe(self, config: Config) -> str:
        """A line for the run and one for each group."""
        head = f'{self.steps} steps, {self.steps / self.epoch:.2f} epochs of {self.epoch}'
        lines = [f'{head}, {self.samples[SHARED]} images; parameter groups:']
        for name, group in groups_of(config).items():
            updates = self.updates[name]
            lines.append(
                f'  {name:<20} {self.samples[name]:>8} samples, batches of '
                f'{batch_size(config, group):>3}: {updates:>6} updates expected, learning rate '
                f'{_describe_rate(group, updates)}'
            )
        return '\n'.join(lines)


def groups_of(config: Config) -> dict[str, GroupConfig]:
    """Parameter group -> its settings: the trunk's and every task's."""
    return {SHARED: config.optim.shared, **config.tasks}


def batch_size(config: Config, group: GroupConfig) -> int:
    """The effective batch: of the synchronous algorithm, the trunk's for all groups."""
    synchronous = config.optim.algorithm is Algorithm.SYNCHRONOUS
    return config.optim.shared.batch_size if synchronous else group.batch_size


def decay_updates(group: GroupConfig, updates: int) -> list[int]:
    """After which of its own updates the learning rate of a group falls."""
    return [max(1, round(share * updates)) for share in group.decay_at]


def count_steps(config: Config, shown: np.ndarray) -> int:
    """The length of the run in steps, of a configuration that gives it in steps, epochs or images.

    Args:
      config: of the run.
      shown: int (n,), images of each step of an epoch; places that are padding show none.
    """
    epoch = len(shown)
    if config.steps is not None:
        return config.steps
    if config.epochs is not None:
        return math.ceil(round(config.epochs * epoch, 6))  # 0.07 * 100 is a little more than 7
    whole, rest = divmod(config.images, int(shown.sum()))
    return whole * epoch + int(np.searchsorted(np.cumsum([0, *shown]), rest))


def make_schedule(
    config: Config,
    epochs: Epochs,
    datasets: Sequence[Dataset],
    labels: Sequence[Mapping[str, str]],
) -> Schedule:
    """Counts what every group sees in the run, by the images of the first epoch's steps.

    Args:
      config: of the run.
      epochs: which images each step sees.
      datasets: of the run.
      labels: of each dataset, task -> the name of its label.
    """
    groups = groups_of(config)
    counts = {name: np.zeros(epochs.length, int) for name in groups}
    for step in range(epochs.length):
        for micro_batch in epochs.plan(step):
            images, dataset = micro_batch.images(), datasets[micro_batch.dataset]
            counts[SHARED][step] += len(images)
            for task, label in labels[micro_batch.dataset].items():
                if config.data.rotations == 1 or dataset.labels[label].rotates:
                    counts[task][step] += np.count_nonzero(dataset.labelled[label][images])
    steps = count_steps(config, counts[SHARED])
    synchronous = config.optim.algorithm is Algorithm.SYNCHRONOUS
    samples, updates = {}, {}
    for name, group in groups.items():
        own = np.resize(counts[SHARED] if synchronous else counts[name], steps)
        samples[name] = int(own.sum())
        updates[name] = _count_updates(own.tolist(), batch_size(config, group))
    return Schedule(steps=steps, epoch=epochs.length, samples=samples, updates=updates)


def _count_updates(samples: Sequence[int], batch: int) -> int:
    """How often a counter of samples, step by step, reaches the batch and starts again at zero."""
    seen = updates = 0
    for count in samples:
        seen += count
        if seen >= batch:
            seen, updates = 0, updates + 1
    return updates


def _describe_rate(group: GroupConfig, updates: int) -> str:
    if group.polynomial:
        return f'{group.learning_rate:g} falling to 0'
    after = ', '.join(map(str, decay_updates(group, updates)))
    return f'{group.learning_rate:g}' + (f', a tenth after {after}' if after else '')
