"""The kinds of tasks by name, and the selection of a network's tasks by name."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ubernet_jax.errors import UserError
from ubernet_jax.labels.registry import find_registered
from ubernet_jax.tasks.task import Task

KINDS: dict[str, type[Task]] = {}

TaskType = TypeVar('TaskType', bound=type[Task])


def register(kind: TaskType) -> TaskType:
    """Adds a kind of task to `KINDS` under its name; a class decorator."""
    KINDS[kind.kind] = kind
    return kind


def find_kind(plain: Mapping[str, Any], what: str) -> type[Task]:
    """Returns the class of a task that is described in JSON.

    Args:
      plain: the task's entry in a configuration.
      what: name of the entry, for errors.

    Raises:
      UserError: the kind is unknown, or is missing, as in files of versions before 0.2.
    """
    if 'kind' not in plain:
        raise UserError(
            f'{what} has no field "kind": it was written by a version before 0.2, which this '
            'version cannot read. Train, export or import it again, or install ubernet_jax 0.1'
        )
    return find_registered(KINDS, plain, what)


def select_tasks(tasks: Mapping[str, Any], wanted: Sequence[str] | str | None) -> tuple[str, ...]:
    """Returns the names of the wanted tasks, in the network's order.

    Args:
      tasks: the network's tasks by name.
      wanted: a name or several names; None for all tasks.

    Raises:
      UserError: the network has no such task.
    """
    wanted = (wanted,) if isinstance(wanted, str) else wanted
    unknown = set(wanted or ()) - set(tasks)
    if unknown:
        raise UserError(
            f'unknown task {", ".join(sorted(unknown))}: this network has {", ".join(tasks)}'
        )
    return tuple(name for name in tasks if wanted is None or name in wanted)
