"""Settings of the solver."""

import dataclasses
import enum

from ubernet_jax.tasks.group import GroupConfig


class Algorithm(enum.Enum):
    """When parameter groups update (paper, section 3).

    Attributes:
      ASYNCHRONOUS: each group after enough images that are labelled for it.
      SYNCHRONOUS: all groups together, after enough images.
    """

    ASYNCHRONOUS = 'asynchronous'
    SYNCHRONOUS = 'synchronous'


class Optimizer(enum.Enum):
    """The optax transformation inside every group.

    Attributes:
      SGD: stochastic gradient descent with momentum and weight decay, as in the paper.
      ADAMW: Adam with decoupled weight decay (arXiv 1711.05101).
    """

    SGD = 'sgd'
    ADAMW = 'adamw'


class Balancing(enum.Enum):
    """How the gradients of the tasks are combined at the branch point (docs/balancing.md).

    Attributes:
      NONE: added up, as in the paper.
      EQUAL_NORMS: scaled to equal norms, and added up.
      PCGRAD: without the parts that point against the gradient of another task
        (arXiv 2001.06782).
      CAGRAD: near the sum, but such that the task that gains least gains more (arXiv 2110.14048).
      MGDA: the shortest convex combination (arXiv 1810.04650).
      IMTL_G: with equal projections on the gradients of all tasks (Liu et al., ICLR 2021).
      NASH_MTL: the bargaining solution of Nash (arXiv 2202.01017).
      ALIGNED_MTL: with the condition number of their matrix brought to 1 (Senushkin et
        al., CVPR 2023).
      FAIRGRAD: fair by the measure alpha (arXiv 2402.15638).
      UPGRAD: the mean of the gradients, each projected so that it harms no task
        (arXiv 2406.16232).
    """

    NONE = 'none'
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
      method: how the gradients of the tasks are combined.
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
      algorithm: when the parameter groups update.
      optimizer: the transformation inside each group.
      momentum: momentum of SGD; for AdamW the decay of the first moment.
      weight_decay: weight decay of weights; biases have none.
      bias_multiplier: factor on the learning rate of biases.
      layer_decay: factor on the learning rate of a block of the trunk, for each block after it and
        for the heads, as BEiT has it (arXiv 2106.08254): the last of L blocks has layer_decay, the
        first block and the embedding of patches layer_decay ** L; 1 for equal learning rates.
      log_variance_multiplier: factor on the learning rate of the log-variances that
        `loss.uncertainty` learns.
      balancing: how the gradients of the tasks are combined at the branch point.
      shared: the parameter group of the trunk.
    """

    algorithm: Algorithm = Algorithm.ASYNCHRONOUS
    optimizer: Optimizer = Optimizer.SGD
    momentum: float = 0.9
    weight_decay: float = 5e-4
    bias_multiplier: float = 2.0
    layer_decay: float = 1.0
    log_variance_multiplier: float = 1.0
    balancing: BalancingConfig = dataclasses.field(default_factory=BalancingConfig)
    shared: GroupConfig = dataclasses.field(default_factory=lambda: GroupConfig(batch_size=30))
