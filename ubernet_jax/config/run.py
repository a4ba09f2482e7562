"""Settings of a run: all others together."""

import dataclasses

from ubernet_jax.config.data import DataConfig, EvaluationConfig, InputSizeConfig
from ubernet_jax.config.losses import LossConfig
from ubernet_jax.config.optim import OptimConfig
from ubernet_jax.models.settings import ModelConfig
from ubernet_jax.tasks import Task


@dataclasses.dataclass(slots=True, kw_only=True)
class Config:
    """One run; its length is given in one of three ways: as steps, epochs or images.

    On the command line any of the three replaces what a config file has: `--config.epochs=2`.

    Attributes:
      name: of the experiment.
      seed: of initialisation, data order, augmentation and dropout.
      steps: to train for, each of `data.micro_batches_per_step` micro-batches,
      epochs: or how often to show all training data,
      images: or how many images to show.
      tasks: of the network, by the names that their labels, parameters and results have.
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
