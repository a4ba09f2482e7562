"""The tasks of a new configuration: one for each label, or one for each list of classes."""

import dataclasses
import re
from collections.abc import Mapping, Sequence

from ubernet_jax.config.validation import RESERVED
from ubernet_jax.configure.sets import PreparedSet, find_kind
from ubernet_jax.errors import UserError
from ubernet_jax.labels import LabelKind
from ubernet_jax.tasks import Task


@dataclasses.dataclass(slots=True, kw_only=True)
class Assignment:
    """Which labels the tasks learn.

    Attributes:
      tasks: name -> task, with its classes.
      labels: dataset -> task -> label.
      notes: decisions that the user should know.
    """

    tasks: dict[str, Task] = dataclasses.field(default_factory=dict)
    labels: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)


def assign_tasks(sets: Sequence[PreparedSet]) -> Assignment:
    """Makes a task for every label; labels of one name that differ become several tasks.

    Labels are the same if their kinds and their ordered classes are equal.

    Raises:
      UserError: two labels would be learnt by one task although their names differ.
    """
    assignment = Assignment(labels={part.name: {} for part in sets})
    for label in dict.fromkeys(label for part in sets for label in part.labels):
        variants = _find_variants(sets, label)
        for kind, names in variants:
            task = _name_task(label, names[0], separate=len(variants) > 1)
            if task in assignment.tasks:
                raise UserError(
                    f'the label {label} of {", ".join(names)} would be the task {task}, as another '
                    'label: rename the folder of one of them, and prepare that dataset again'
                )
            assignment.tasks[task] = _make_task(kind)
            for name in names:
                assignment.labels[name][task] = label
        if len(variants) > 1:
            assignment.notes.append(_explain(label, variants, assignment.labels))
    return assignment


def _find_variants(sets: Sequence[PreparedSet], label: str) -> list[tuple[LabelKind, list[str]]]:
    """Groups the datasets with a label by what it means; returns kinds and names of datasets."""
    variants: list[tuple[LabelKind, list[str]]] = []
    for part in sets:
        if kind := part.labels.get(label):
            same = (names for other, names in variants if other.same_as(kind))
            names = next(same, None)
            if names is None:
                variants.append((kind, [part.name]))
            else:
                names.append(part.name)
    return variants


def _name_task(label: str, dataset: str, separate: bool) -> str:
    """Names a task after its label, and after its dataset if the label alone is not enough."""
    name = label
    if separate or label in RESERVED:
        name = f'{label}_{dataset.rpartition("/")[2]}'
    name = re.sub(r'\W', '_', name)
    return name if name[0].isalpha() else f'task_{name}'


def _make_task(label: LabelKind) -> Task:
    kind = find_kind(label)
    assert kind is not None, 'a `PreparedSet` has only labels that a task can learn'
    return kind(classes=label.classes)


def _explain(
    label: str,
    variants: Sequence[tuple[LabelKind, Sequence[str]]],
    labels: Mapping[str, Mapping[str, str]],
) -> str:
    parts = []
    for kind, names in variants:
        task = next(task for task, used in labels[names[0]].items() if used == label)
        meaning = ', '.join(kind.classes) or kind.name
        parts.append(f'{task} of {", ".join(names)} ({meaning})')
    return (
        f'{label} does not mean the same in all datasets, so it is {len(parts)} tasks: '
        f'{"; ".join(parts)}. To train one task, give them the same kind and classes in '
        'labels.json, and prepare them again.'
    )
