"""The length of a run, and how many updates each parameter group is expected to make in it.

Both follow from the data: how many images are labelled for a task, how often an epoch shows them,
and the effective batch of the group.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from ubernet_jax.config import Algorithm, Config, GroupConfig, OptimConfig
from ubernet_jax.tasks.group import SHARED
from ubernet_jax.training.epochs import Epochs
from ubernet_jax.training.groups import batch_size, decay_updates, groups_of


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The plan of a run.

    Attributes:
      steps: of the run.
      epoch: steps of an epoch.
      samples: group -> images of the run that the group counts.
      updates: group -> updates that the group is expected to make.
    """

    steps: int
    epoch: int
    samples: Mapping[str, int]
    updates: Mapping[str, int]

    def describe(self, optim: OptimConfig, groups: Mapping[str, GroupConfig]) -> str:
        """A line for the run, and a line for each group."""
        head = f'{self.steps} steps, {self.steps / self.epoch:.2f} epochs of {self.epoch}'
        lines = [f'{head}, {self.samples[SHARED]} images; parameter groups:']
        for name, group in groups.items():
            updates = self.updates[name]
            lines.append(
                f'  {name:<20} {self.samples[name]:>8} samples, batches of '
                f'{batch_size(optim, group):>3}: {updates:>6} updates expected, learning rate '
                f'{_describe_rate(group, updates)}'
            )
        return '\n'.join(lines)


def count_steps(config: Config, shown: np.ndarray) -> int:
    """The length of the run in steps; the configuration gives it in steps, epochs or images.

    Args:
      config: of the run.
      shown: int (n,), images of each step of an epoch, without padding.
    """
    epoch = len(shown)
    if config.steps is not None:
        return config.steps
    if config.epochs is not None:
        return math.ceil(round(config.epochs * epoch, 6))  # 0.07 * 100 is a little more than 7
    if config.images is None:
        raise ValueError('the configuration gives no length: see `config.validation`')
    epochs, rest = divmod(config.images, int(shown.sum()))
    return epochs * epoch + int(np.searchsorted(np.cumsum([0, *shown]), rest))


def make_schedule(config: Config, epochs: Epochs) -> Schedule:
    """Counts the samples of every group in the run, from the steps of the first epoch.

    Args:
      config: of the run.
      epochs: which images each step sees.
    """
    groups = groups_of(config.optim, config.tasks)
    counts = {name: np.zeros(epochs.length, int) for name in groups}
    for step in range(epochs.length):
        for micro_batch in epochs.plan(step):
            images, part = micro_batch.images(), epochs.sets[micro_batch.dataset]
            counts[SHARED][step] += len(images)
            for task, label in part.labels.items():
                if config.data.rotations == 1 or part.dataset.labels[label].rotates:
                    counts[task][step] += np.count_nonzero(part.dataset.labelled[label][images])
    steps = count_steps(config, counts[SHARED])
    synchronous = config.optim.algorithm is Algorithm.SYNCHRONOUS
    samples, updates = {}, {}
    for name, group in groups.items():
        per_step = np.resize(counts[SHARED] if synchronous else counts[name], steps)
        samples[name] = int(per_step.sum())
        updates[name] = _count_updates(per_step.tolist(), batch_size(config.optim, group))
    return Schedule(steps=steps, epoch=epochs.length, samples=samples, updates=updates)


def _count_updates(samples: Sequence[int], batch: int) -> int:
    """How often a counter of samples reaches the batch; it then restarts at zero."""
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
