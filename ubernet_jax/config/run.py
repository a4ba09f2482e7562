"""Settings of a run: all others together."""

import dataclasses

from ubernet_jax.config.data import DataConfig, EvaluationConfig, InputSizeConfig
from ubernet_jax.config.losses import LossConfig
from ubernet_jax.config.model import ModelConfig
from ubernet_jax.config.optim import OptimConfig, TaskConfig
from ubernet_jax.tasks import TASKS, Task, with_classes


@dataclasses.dataclass(slots=True, kw_only=True)
class Config:
    """One run.

    Attributes:
      name: of the experiment.
      seed: of initialisation, data order, augmentation and dropout.
      steps: to train for, each of `data.micro_batches` micro-batches.
      tasks: settings of each task of the network, by name.
      log_every: steps between lines of the log.
      checkpoint_every: steps between checkpoints.
      pictures_every: steps between pictures of fixed images.
      evaluate_every: steps between evaluations.
    """

    name: str = ''
    seed: int = 0
    steps: int = 1000
    tasks: dict[str, TaskConfig] = dataclasses.field(default_factory=dict)
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

    def task_table(self) -> dict[str, Task]:
        """The rows of `tasks.TASKS` that this network has, in the table's order."""
        rows = {}
        for name, row in TASKS.items():
            if name in self.tasks:
                settings = self.tasks[name]
                row = dataclasses.replace(row, hidden=settings.hidden)
                rows[name] = with_classes(row, settings.classes) if settings.classes else row
        return rows
