"""The datasets of a run: opened, without leaks, and with the label of every task."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from ubernet_jax.config import Config, DatasetConfig, Keep, Leaks, Task
from ubernet_jax.datasets.checks.leaks import open_datasets, resolve_leaks
from ubernet_jax.datasets.checks.teachers import refuse_leaking_teachers
from ubernet_jax.datasets.label_mapping import find_classes, map_labels, open_taught_labels
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.datasets.taught_labels import TaughtLabels
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.training.partial_labels import describe_part, keep_part


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """One dataset of the union that a run trains on.

    Attributes:
      dataset: a split.
      repeat: how often an epoch shows each image.
      labels: task -> the name of its label; tasks without a label in this dataset are absent.
      rotations: number of evenly spaced angles by which images are rotated.
      taught: task -> labels that a teacher predicted, of the images without a real label.
      partial: which labels were hidden, in words; empty if all were kept.
    """

    dataset: Dataset
    repeat: int
    labels: Mapping[str, str]
    rotations: int = 1
    partial: str = ''
    taught: Mapping[str, TaughtLabels] = dataclasses.field(default_factory=dict)

    def read(self, index: int) -> Example:
        """Reads an image with its real and taught labels, by the names of the tasks."""
        example = self.dataset[index].rename(self.labels)
        taught = {task: labels for task, labels in self.taught.items() if labels.rows[index] >= 0}
        return dataclasses.replace(
            example,
            labels=example.labels | {task: labels[index] for task, labels in taught.items()},
            kinds={**example.kinds, **{task: labels.kind for task, labels in taught.items()}},
            taught=frozenset(taught),
        )

    def count_taught(self, task: str, images: np.ndarray) -> int:
        """Counts the images, given by their indices, that are shown with a taught label."""
        labels = self.taught.get(task)
        if labels is None or (self.rotations > 1 and not labels.kind.rotates):
            return 0
        return int(np.count_nonzero(labels.rows[images] >= 0))

    def count_samples(self, task: str, images: np.ndarray) -> int:
        """Counts the images, given by their indices, that are shown with a real label."""
        label = self.labels.get(task, '')
        if not label or (self.rotations > 1 and not self.dataset.labels[label].rotates):
            return 0
        return int(np.count_nonzero(self.dataset.labelled[label][images]))


def open_training_sets(config: Config) -> tuple[Config, list[TrainingSet]]:
    """Opens the training datasets, and checks the labels of the benchmarks.

    Returns:
      The configuration with the classes of every task, and a training set for each of
      `config.data.train`.

    Raises:
      UserError: a dataset is not prepared, a label does not fit its task, or a training image is
        a test image; or no image is labelled for a task.
    """
    directory = config.data.directory
    opened = open_datasets('data.train', config.data.train, directory)
    benchmarks = open_datasets('evaluation.benchmarks', config.evaluation.benchmarks, directory)
    datasets = resolve_leaks(opened, config.data.leaks, benchmarks)
    for before, after in zip(opened, datasets, strict=True):
        if left_out := len(before) - len(after):
            print(
                f'{left_out} of {len(before)} images of {before.source} are test images: left out',
                flush=True,
            )
    config, sets = make_training_sets(config, datasets, benchmarks)
    if errors := describe_unlabelled(config, sets):
        raise UserError('\n'.join(errors))
    return config, sets


def describe_unlabelled(config: Config, sets: Sequence[TrainingSet]) -> list[str]:
    """Describes the tasks that no training image is labelled for."""
    labelled = set().union(*(part.labels.keys() | part.taught.keys() for part in sets))
    present = ', '.join(
        f'{part.dataset.source}: {", ".join(part.dataset.present_labels()) or "no labels"}'
        for part in sets
    )
    return [
        f'config: no dataset in data.train has labels for tasks.{task}; their labels are {present}.'
        f" Add a dataset, map a label with DatasetConfig(labels={{'{task}': LABEL}}), or remove "
        'the task'
        for task in config.tasks
        if task not in labelled
    ]


def make_training_sets(
    config: Config, datasets: Sequence[Dataset], benchmarks: Sequence[Dataset]
) -> tuple[Config, list[TrainingSet]]:
    """Checks the labels of opened datasets.

    Args:
      config: of the run.
      datasets: one for each of `config.data.train`, without the images that are left out.
      benchmarks: one for each of `config.evaluation.benchmarks`.

    Returns:
      As `open_training_sets`.

    Raises:
      UserError: a label does not fit its task, or a teacher was trained on a test image.
    """
    settings = config.data.train
    tasks = find_classes(config.tasks, settings, datasets)
    taught = [
        {
            task: labels
            for task, labels in open_taught_labels(dataset, setting, tasks).items()
            if tasks[task].taught_weight > 0
        }
        for dataset, setting in zip(datasets, settings, strict=True)
    ]
    if config.data.leaks is not Leaks.ALLOW:
        refuse_leaking_teachers([*itertools.chain(*map(dict.values, taught))], benchmarks)
    for benchmark, setting in zip(benchmarks, config.evaluation.benchmarks, strict=True):
        map_labels(benchmark, setting, tasks)
    return dataclasses.replace(config, tasks=tasks), [
        _make_training_set(dataset, setting, tasks, taught_labels)
        for dataset, setting, taught_labels in zip(datasets, settings, taught, strict=True)
    ]


def _make_training_set(
    dataset: Dataset,
    setting: DatasetConfig,
    tasks: Mapping[str, Task],
    taught: Mapping[str, TaughtLabels],
) -> TrainingSet:
    labels = map_labels(dataset, setting, tasks)
    if labels and setting.partial.keep is not Keep.ALL:
        dataset = keep_part(dataset, setting.partial, labels.values())
        labels = {task: name for task, name in labels.items() if dataset.labelled[name].any()}
    return TrainingSet(
        dataset=dataset,
        repeat=setting.repeat,
        labels=labels,
        rotations=setting.rotations,
        partial=describe_part(setting.partial),
        taught=taught,
    )
