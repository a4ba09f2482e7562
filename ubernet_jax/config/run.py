"""All settings of a run."""

import dataclasses
from collections.abc import Collection, Sequence

from ubernet_jax.config.data import (
    DataConfig,
    DatasetConfig,
    EvaluationConfig,
    InputSizeConfig,
    Keep,
    PartialConfig,
)
from ubernet_jax.config.losses import LossConfig
from ubernet_jax.config.optim import OptimConfig
from ubernet_jax.models.settings import ModelConfig
from ubernet_jax.tasks import Task


@dataclasses.dataclass(slots=True, kw_only=True)
class Config:
    """A run. Its length is given by exactly one of `steps`, `epochs` and `images`.

    On the command line, each of the three replaces the length of the config file:
    `--config.epochs=2`.

    Attributes:
      name: name of the experiment.
      seed: seed of initialisation, data order, augmentation and dropout.
      steps: length of the run in steps of `data.micro_batches_per_step` micro-batches.
      epochs: length of the run in epochs.
      images: length of the run in images.
      tasks: name -> task; labels, parameter groups and results have the same names.
      model: the network (paper, section 2).
      loss: how the losses of scales and tasks are weighted; settings of a loss belong to its task.
      optim: the solver (paper, section 3).
      data: what the network is trained on and how it is fed.
      input_size: the size at which photographs enter the network for prediction (paper, section
        1).
      evaluation: what is evaluated.
      log_every: steps between lines of the log.
      checkpoint_every: steps between checkpoints.
      pictures_every: steps between pictures of fixed images.
      evaluate_every: steps between evaluations.
    """

    name: str = ''
    seed: int = 0
    steps: int | None = None
    epochs: float | None = None
    images: int | None = None
    tasks: dict[str, Task] = dataclasses.field(default_factory=dict)
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    loss: LossConfig = dataclasses.field(default_factory=LossConfig)
    optim: OptimConfig = dataclasses.field(default_factory=OptimConfig)
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    input_size: InputSizeConfig = dataclasses.field(default_factory=InputSizeConfig)
    evaluation: EvaluationConfig = dataclasses.field(default_factory=EvaluationConfig)
    log_every: int = 10
    checkpoint_every: int = 500
    pictures_every: int = 500
    evaluate_every: int = 1000

    def restrict_to(self, tasks: Collection[str]) -> 'Config':
        """Returns the configuration for some of its tasks, on the datasets that are used for them.

        A dataset without `DatasetConfig.tasks` is kept.
        """
        train = _restrict(self.data.train, tasks, tuple(self.tasks))
        benchmarks = _restrict(self.evaluation.benchmarks, tasks, tuple(self.tasks))
        return dataclasses.replace(
            self,
            tasks={name: self.tasks[name] for name in tasks},
            data=dataclasses.replace(self.data, train=train),
            evaluation=dataclasses.replace(self.evaluation, benchmarks=benchmarks),
        )


def _restrict(
    datasets: Sequence[DatasetConfig], tasks: Collection[str], all_tasks: tuple[str, ...]
) -> list[DatasetConfig]:
    restricted = []
    for dataset in datasets:
        used = tuple(name for name in dataset.tasks if name in tasks)
        if used or not dataset.tasks:
            labels = {name: label for name, label in dataset.labels.items() if name in tasks}
            partial = _draw_from_all(dataset, all_tasks)
            restricted.append(
                dataclasses.replace(dataset, tasks=used, labels=labels, partial=partial)
            )
    return restricted


def _draw_from_all(dataset: DatasetConfig, all_tasks: tuple[str, ...]) -> PartialConfig:
    """Returns the partial labels of a dataset that is going to be used for fewer tasks."""
    partial = dataset.partial
    if partial.keep not in (Keep.ONE, Keep.RANDOM) or partial.drawn_from:
        return partial
    names = (dataset.labels.get(task, task) for task in dataset.tasks or all_tasks)
    return dataclasses.replace(partial, drawn_from=tuple(dict.fromkeys(names)))
