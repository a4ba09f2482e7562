"""The length of a run, and how many updates each parameter group is expected to make in it.

Both follow from the data: how many images are labelled for a task, how often an epoch shows them,
and the effective batch of the group.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from ubernet_jax.config import Algorithm, Config, GroupConfig
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.tasks.group import SHARED
from ubernet_jax.training.asynchronous import ROUNDING
from ubernet_jax.training.epoch_plan import DatasetPlan, describe_epoch, plan_epoch
from ubernet_jax.training.epochs import Epochs
from ubernet_jax.training.groups import batch_size, decay_updates, groups_of


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The plan of a run.

    Attributes:
      steps: of the run.
      epoch: steps of an epoch.
      datasets: what an epoch shows of every dataset.
      samples: group -> images of the run that the group counts, rounded; an image with a taught
        label counts its weight.
      batches: group -> its effective batch, in samples.
      updates: group -> updates that the group is expected to make.
      rates: group -> its learning rates over the run, in words.
      frozen: whether nothing of the trunk is trained.
    """

    steps: int
    epoch: int
    datasets: Sequence[DatasetPlan]
    samples: Mapping[str, int]
    batches: Mapping[str, int]
    updates: Mapping[str, int]
    rates: Mapping[str, str]
    frozen: bool

    def describe(self) -> str:
        """A line for the run, a line for each group, and a line for each dataset."""
        head = f'{self.steps} steps, {self.steps / self.epoch:.2f} epochs of {self.epoch}'
        lines = [f'{head}, {self.samples[SHARED]} images; parameter groups:']
        lines += [f'  {name:<20} {self._describe_group(name)}' for name in self.updates]
        lines += ['an epoch:', *(f'  {line}' for line in describe_epoch(self.datasets))]
        return '\n'.join(lines)

    def _describe_group(self, name: str) -> str:
        if name == SHARED and self.frozen:
            return 'frozen'
        return (
            f'{self.samples[name]:>8} samples, batches of {self.batches[name]:>3}: '
            f'{self.updates[name]:>6} updates expected, learning rate {self.rates[name]}'
        )


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
    counts = {name: np.zeros(epochs.length) for name in groups}
    for step in range(epochs.length):
        for micro_batch in epochs.plan(step):
            images, part = micro_batch.images(), epochs.sets[micro_batch.dataset]
            counts[SHARED][step] += len(images)
            for task in part.labels:
                counts[task][step] += part.count_samples(task, images)
            for task in part.taught:
                weight = config.tasks[task].taught_weight
                counts[task][step] += weight * part.count_taught(task, images)
    steps = count_steps(config, counts[SHARED])
    synchronous = config.optim.algorithm is Algorithm.SYNCHRONOUS
    batches = {name: batch_size(config.optim, group) for name, group in groups.items()}
    samples, updates = {}, {}
    for name in groups:
        per_step = np.resize(counts[SHARED] if synchronous else counts[name], steps)
        samples[name] = round(per_step.sum())
        updates[name] = _count_updates(per_step.tolist(), batches[name])
    return Schedule(
        steps=steps,
        epoch=epochs.length,
        datasets=plan_epoch(epochs.sets),
        samples=samples,
        batches=batches,
        updates=updates,
        rates={name: _describe_rate(group, updates[name]) for name, group in groups.items()},
        frozen=TRUNKS[config.model.trunk].is_frozen(config.model),
    )


def _count_updates(samples: Sequence[float], batch: int) -> int:
    """How often a counter of samples reaches the batch; it then restarts at zero."""
    seen = updates = 0
    for count in samples:
        seen += count
        if seen >= batch - ROUNDING:
            seen, updates = 0, updates + 1
    return updates


def _describe_rate(group: GroupConfig, updates: int) -> str:
    rate = f'{group.learning_rate:g}'
    if group.polynomial:
        return f'{rate} falling to 0'
    after = ', '.join(map(str, decay_updates(group, updates)))
    return rate + (f', a tenth after {after}' if after else '')
