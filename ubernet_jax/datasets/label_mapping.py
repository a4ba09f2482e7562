"""Which label of a dataset a task of a network is trained and tested on."""

import dataclasses
from collections.abc import Mapping, Sequence

from ubernet_jax.config import Config, DatasetConfig
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.errors import UserError
from ubernet_jax.tasks import Task


def map_labels(
    dataset: Dataset, setting: DatasetConfig, tasks: Mapping[str, Task]
) -> dict[str, str]:
    """Task -> the name of its label, of the tasks that a split of a dataset has labels for.

    Args:
      dataset: the split.
      setting: which tasks it is for, and which label is whose.
      tasks: of the network; a task without class names takes any.

    Raises:
      UserError: a label is not there, or of another kind or other classes than its task.
    """
    present, names = dataset.present_labels(), {}
    for task in setting.tasks or tasks:
        name = setting.labels.get(task, task)
        if name in present:
            _check(dataset, name, task, tasks[task])
            names[task] = name
        elif name not in dataset.labels and task in setting.labels:
            raise UserError(
                f'{dataset.source} has no label {name!r}, which `labels` names for the task '
                f'{task}; it has {", ".join(present) or "none"}'
            )
    return names


def find_classes(config: Config, datasets: Sequence[Dataset]) -> Config:
    """The configuration with the classes of every task, from the training data where it has none.

    Args:
      config: of a run.
      datasets: one for each of `config.data.train`.

    Raises:
      UserError: a task's classes are neither in the configuration nor in the training data; or two
        datasets have others.
    """
    tasks = dict(config.tasks)
    for dataset, setting in zip(datasets, config.data.train, strict=True):
        for task, name in map_labels(dataset, setting, tasks).items():
            if tasks[task].label_kind.has_classes and not tasks[task].classes:
                classes = dataset.labels[name].classes
                tasks[task] = dataclasses.replace(tasks[task], classes=classes)
    unknown = [
        name for name, task in tasks.items() if task.label_kind.has_classes and not task.classes
    ]
    if unknown:
        raise UserError(
            f'no training set labels {", ".join(unknown)}, and the configuration does not name '
            'the classes: add a dataset to data.train, or name them'
        )
    return dataclasses.replace(config, tasks=tasks)


def _check(dataset: Dataset, name: str, task_name: str, task: Task) -> None:
    kind, wanted = dataset.labels[name], task.label
    what = f'the label {name!r} of {dataset.source}'
    if kind.name != wanted.name:
        raise UserError(
            f'{what} is of kind {kind.name}, but the task {task_name} ({task.kind}) needs '
            f'{wanted.name}; map another label with DatasetConfig(labels={{...}}), or choose '
            'another kind of task'
        )
    ours, theirs = task.classes, getattr(kind, 'classes', ())
    if ours and tuple(ours) != tuple(theirs):
        raise UserError(
            f'the classes of the task {task_name} are not those of {what}:\n'
            f'  task  ({len(ours)}): {", ".join(ours)}\n'
            f'  label ({len(theirs)}): {", ".join(theirs)}\n'
            f'Their number, order and spelling must agree. Leave tasks.{task_name}.classes out to '
            'take those of the data, give the dataset a task of its own with '
            'DatasetConfig(labels={...}), or correct the labels.json of the folder, delete '
            f'{dataset.directory / dataset.name} and prepare it again'
        )
