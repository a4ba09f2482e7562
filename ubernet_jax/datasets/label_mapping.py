"""Mapping the tasks of a network to the labels of a dataset."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from ubernet_jax.config import DatasetConfig
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.datasets.taught_labels import TaughtLabels, open_taught
from ubernet_jax.errors import UserError
from ubernet_jax.tasks import Task


def map_labels(
    dataset: Dataset, setting: DatasetConfig, tasks: Mapping[str, Task]
) -> dict[str, str]:
    """Maps each task to the name of its label, for the tasks that a split has labels for.

    Args:
      dataset: the split.
      setting: which tasks the split is used for, and the labels of tasks with another name.
      tasks: the tasks of the network; a task without class names accepts any classes.

    Raises:
      UserError: a label does not exist, or it differs from its task in kind or classes.
    """
    present, names = dataset.present_labels(), {}
    for task in setting.tasks or tasks:
        name = setting.labels.get(task, task)
        if name in present:
            _check(dataset, name, task, tasks[task])
            names[task] = name
        elif name not in dataset.labels and task in setting.labels:
            raise UserError(
                f'{dataset.source} has no label {name!r}, which the field `labels` gives for the '
                f'task {task}; it has {", ".join(present) or "none"}'
            )
    return names


def open_taught_labels(
    dataset: Dataset, setting: DatasetConfig, tasks: Mapping[str, Task]
) -> dict[str, TaughtLabels]:
    """Opens the taught labels that a setting names, by task, of the images without a real label.

    Raises:
      UserError: there are none, or they differ from their task in kind or classes.
    """
    opened = {}
    for task in setting.taught:
        name = setting.labels.get(task, task)
        labels = open_taught(dataset, name, tasks[task].taught_label, task)
        opened[task] = labels.without(dataset.labelled.get(name, np.zeros(len(dataset), bool)))
    return opened


def find_classes(
    tasks: Mapping[str, Task], settings: Sequence[DatasetConfig], datasets: Sequence[Dataset]
) -> dict[str, Task]:
    """Returns the tasks, with missing classes filled in from the training data.

    Args:
      tasks: the tasks of the configuration.
      settings: the training datasets of the configuration.
      datasets: one opened dataset for each of `settings`.

    Raises:
      UserError: the classes of a task are neither in the configuration nor in the training data, or
        two datasets have different classes.
    """
    tasks = dict(tasks)
    for dataset, setting in zip(datasets, settings, strict=True):
        for task, name in map_labels(dataset, setting, tasks).items():
            if tasks[task].label_kind.has_classes and not tasks[task].classes:
                classes = dataset.labels[name].classes
                tasks[task] = dataclasses.replace(tasks[task], classes=classes)
    for dataset, setting in zip(datasets, settings, strict=True):
        for task, labels in open_taught_labels(dataset, setting, tasks).items():
            if tasks[task].label_kind.has_classes:
                tasks[task] = dataclasses.replace(tasks[task], classes=labels.kind.classes)
    unknown = [
        name for name, task in tasks.items() if task.label_kind.has_classes and not task.classes
    ]
    if unknown:
        raise UserError(
            f'no training dataset has labels for {", ".join(unknown)}, and the configuration does '
            'not name the classes: add a dataset to data.train, or name the classes'
        )
    return tasks


def _check(dataset: Dataset, name: str, task_name: str, task: Task) -> None:
    kind, wanted = dataset.labels[name], task.label
    what = f'the label {name!r} of {dataset.source}'
    if kind.name != wanted.name:
        raise UserError(
            f'{what} is of kind {kind.name}, but the task {task_name} ({task.kind}) needs '
            f'{wanted.name}; map another label with DatasetConfig(labels={{...}}), or choose '
            'another kind of task'
        )
    task_classes, label_classes = tuple(task.classes), tuple(kind.classes)
    if task_classes and task_classes != label_classes:
        raise UserError(
            f'the classes of the task {task_name} are not those of {what}:\n'
            f'  task  ({len(task_classes)}): {", ".join(task_classes)}\n'
            f'  label ({len(label_classes)}): {", ".join(label_classes)}\n'
            f'Their number, order and spelling must agree. Leave out tasks.{task_name}.classes to '
            'use the classes of the data, give the dataset a separate task with '
            'DatasetConfig(labels={...}), or correct the labels.json of the folder, delete '
            f'{dataset.directory / dataset.name} and prepare it again'
        )
