"""Parameter groups: the trunk and each task, with the settings by which they update."""

from collections.abc import Mapping

from ubernet_jax.config import Algorithm, GroupConfig, OptimConfig, Task
from ubernet_jax.tasks.group import SHARED


def groups_of(optim: OptimConfig, tasks: Mapping[str, Task]) -> dict[str, GroupConfig]:
    """Parameter group -> its settings: the trunk's, then those of every task."""
    return {SHARED: optim.shared, **tasks}


def batch_size(optim: OptimConfig, group: GroupConfig) -> int:
    """The effective batch; with the synchronous algorithm that of the trunk, for all groups."""
    synchronous = optim.algorithm is Algorithm.SYNCHRONOUS
    return optim.shared.batch_size if synchronous else group.batch_size


def decay_updates(group: GroupConfig, updates: int) -> list[int]:
    """The updates of a group, of so many in the run, after which its learning rate falls."""
    return [max(1, round(share * updates)) for share in group.decay_at]
