"""Settings of a run as typed dataclasses, together with the kinds of tasks.

A config file in `configs/` has one function `get_config()` that returns a `Config`. Any field can
be overridden on the command line: `--config.model.width=0.25`,
`--config.tasks.segmentation.batch_size=4`.
"""

from ubernet_jax.config.data import (
    DataConfig,
    DatasetConfig,
    EvaluationConfig,
    InputSizeConfig,
    Keep,
    Leaks,
    PartialConfig,
)
from ubernet_jax.config.losses import LossConfig
from ubernet_jax.config.optim import (
    Algorithm,
    Balancing,
    BalancingConfig,
    OptimConfig,
    Optimizer,
)
from ubernet_jax.config.run import Config
from ubernet_jax.models.settings import (
    DetectionConfig,
    Initialisation,
    ModelConfig,
    Pooling,
    Precision,
    Statistics,
    Trunk,
)
from ubernet_jax.tasks import *  # noqa: F403 (every kind of task: Segmentation, Normals, ...)
from ubernet_jax.tasks import PAPER, Task
from ubernet_jax.tasks.group import GroupConfig

__all__ = [
    'Algorithm',
    'Balancing',
    'BalancingConfig',
    'Config',
    'DataConfig',
    'DatasetConfig',
    'DetectionConfig',
    'EvaluationConfig',
    'GroupConfig',
    'Initialisation',
    'InputSizeConfig',
    'Keep',
    'Leaks',
    'LossConfig',
    'ModelConfig',
    'OptimConfig',
    'Optimizer',
    'PAPER',
    'PartialConfig',
    'Pooling',
    'Precision',
    'Statistics',
    'Task',
    'Trunk',
]
