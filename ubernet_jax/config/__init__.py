"""Settings of a run, as typed dataclasses. No JAX here: a config file loads instantly.

A config file in `configs/` has one function `get_config()` that returns a `Config`. Any field can
be overridden on the command line: `--config.model.width=0.25`,
`--config.tasks.segmentation.batch_size=4`.
"""

from ubernet_jax.config.data import (
    STRIDE,
    DataConfig,
    DatasetConfig,
    EvaluationConfig,
    InputSizeConfig,
    Leaks,
)
from ubernet_jax.config.losses import LossConfig
from ubernet_jax.config.model import (
    DetectionConfig,
    Initialisation,
    ModelConfig,
    Pooling,
    Precision,
    Statistics,
    Trunk,
)
from ubernet_jax.config.optim import (
    Algorithm,
    Balancing,
    BalancingConfig,
    GroupConfig,
    OptimConfig,
    Optimizer,
    TaskConfig,
)
from ubernet_jax.config.run import Config

__all__ = [
    'STRIDE',
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
    'Leaks',
    'LossConfig',
    'ModelConfig',
    'OptimConfig',
    'Optimizer',
    'Pooling',
    'Precision',
    'Statistics',
    'TaskConfig',
    'Trunk',
]
