"""Settings of the solver, as a whole and for each parameter group."""

import dataclasses
import enum


class Algorithm(enum.Enum):
    """When parameter groups update (paper, section 3)."""

    ASYNCHRONOUS = 'asynchronous'  # each group after enough of its own labelled samples
    SYNCHRONOUS = 'synchronous'  # all groups together, after enough images of any kind


class Optimizer(enum.Enum):
    """The optax transformation inside every group."""

    SGD = 'sgd'  # momentum and weight decay, as in the paper
    ADAMW = 'adamw'


class Balancing(enum.Enum):
    """How the tasks' gradients become one at the branch point (docs/interference.md)."""

    NONE = 'none'  # they are added up, as in the paper
    EQUAL_NORMS = 'equal_norms'
    PCGRAD = 'pcgrad'
    CAGRAD = 'cagrad'


@dataclasses.dataclass(slots=True, kw_only=True)
class GroupConfig:
    """How one parameter group updates.

    Attributes:
      batch_size: effective batch B_p, in labelled images.
      learning_rate: at the group's first update.
      decay_after: the learning rate is divided by 10 after each of these numbers of the group's
        own updates.
      polynomial_updates: above 0, the learning rate falls to 0 over so many of the group's own
        updates instead.
    """

    batch_size: int = 10
    learning_rate: float = 1e-3
    decay_after: tuple[int, ...] = (3000,)
    polynomial_updates: int = 0


@dataclasses.dataclass(slots=True, kw_only=True)
class TaskConfig(GroupConfig):
    """How one task is trained.

    Attributes:
      weight: gamma_t, the factor on the task's loss.
      classes: class names, where the data's differ from `tasks.TASKS`; empty keeps the table's.
      hidden: width of a hidden layer beside the linear scores of each skip; 0 is none.
    """

    weight: float = 1.0
    classes: tuple[str, ...] = ()
    hidden: int = 0


@dataclasses.dataclass(slots=True, kw_only=True)
class BalancingConfig:
    """How the tasks' gradients become one at the branch point.

    Attributes:
      method: which way.
      tasks: labelled tasks of a micro-batch that are told apart, 2 or more; the last of them is the
        sum of all that follow. Each takes the memory of the features.
      radius: of CAGRAD, c of its paper, 0..1.
    """

    method: Balancing = Balancing.NONE
    tasks: int = 4
    radius: float = 0.4


@dataclasses.dataclass(slots=True, kw_only=True)
class OptimConfig:
    """The solver (paper, section 3).

    Attributes:
      algorithm: asynchronous (the paper's) or synchronous.
      optimizer: the transformation inside each group.
      momentum: of SGD; the first moment's decay of AdamW.
      weight_decay: on weights; biases have none.
      bias_multiplier: factor on the learning rate of biases,
      log_variance_multiplier: and of the log-variances that `loss.uncertainty` learns.
      balancing: of the tasks.
      shared: the trunk's group.
    """

    algorithm: Algorithm = Algorithm.ASYNCHRONOUS
    optimizer: Optimizer = Optimizer.SGD
    momentum: float = 0.9
    weight_decay: float = 5e-4
    bias_multiplier: float = 2.0
    log_variance_multiplier: float = 1.0
    balancing: BalancingConfig = dataclasses.field(default_factory=BalancingConfig)
    shared: GroupConfig = dataclasses.field(default_factory=lambda: GroupConfig(batch_size=30))
