"""Settings of the solver."""

import dataclasses
import enum

from ubernet_jax.tasks.group import GroupConfig


class Algorithm(enum.Enum):
    """When parameter groups update (paper, section 3)."""

    ASYNCHRONOUS = 'asynchronous'  # each group after enough images that are labelled for it
    SYNCHRONOUS = 'synchronous'  # all groups together, after enough images


class Optimizer(enum.Enum):
    """The optax transformation inside every group."""

    SGD = 'sgd'  # momentum and weight decay, as in the paper
    ADAMW = 'adamw'


class Balancing(enum.Enum):
    """How the gradients of the tasks are combined at the branch point (docs/interference.md)."""

    NONE = 'none'  # added up, as in the paper
    EQUAL_NORMS = 'equal_norms'
    PCGRAD = 'pcgrad'
    CAGRAD = 'cagrad'
    MGDA = 'mgda'
    IMTL_G = 'imtl_g'
    NASH_MTL = 'nash_mtl'
    ALIGNED_MTL = 'aligned_mtl'
    FAIRGRAD = 'fairgrad'
    UPGRAD = 'upgrad'


@dataclasses.dataclass(slots=True, kw_only=True)
class BalancingConfig:
    """How the gradients of the tasks are combined at the branch point.

    Attributes:
      method: see `Balancing`.
      tasks: number of labelled tasks of a micro-batch whose gradients are kept separate, 2 or more;
        the last slot holds the sum of all further tasks. Each takes the memory of the features.
      radius: c of the CAGrad paper, 0 <= radius < 1; only for CAGRAD.
      alpha: of the FairGrad paper, 0.5 to 10; only for FAIRGRAD, which is NASH_MTL for 1.
    """

    method: Balancing = Balancing.NONE
    tasks: int = 4
    radius: float = 0.4
    alpha: float = 2.0


@dataclasses.dataclass(slots=True, kw_only=True)
class OptimConfig:
    """The solver (paper, section 3).

    Attributes:
      algorithm: asynchronous (the paper's) or synchronous.
      optimizer: the transformation inside each group.
      momentum: of SGD; for AdamW the decay of the first moment.
      weight_decay: of weights; biases have none.
      bias_multiplier: factor on the learning rate of biases.
      log_variance_multiplier: factor on the learning rate of the log-variances that
        `loss.uncertainty` learns.
      balancing: how the tasks are balanced.
      shared: the parameter group of the trunk.
    """

    algorithm: Algorithm = Algorithm.ASYNCHRONOUS
    optimizer: Optimizer = Optimizer.SGD
    momentum: float = 0.9
    weight_decay: float = 5e-4
    bias_multiplier: float = 2.0
    log_variance_multiplier: float = 1.0
    balancing: BalancingConfig = dataclasses.field(default_factory=BalancingConfig)
    shared: GroupConfig = dataclasses.field(default_factory=lambda: GroupConfig(batch_size=30))
