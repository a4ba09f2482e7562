"""The datasets of a run: opened, without leaks, and with the label of every task."""

import dataclasses
from collections.abc import Mapping

from ubernet_jax.config import Config
from ubernet_jax.datasets.checks.leaks import open_datasets, resolve_leaks
from ubernet_jax.datasets.label_mapping import find_classes, map_labels
from ubernet_jax.datasets.reading import Dataset


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """One dataset of the union that a run trains on.

    Attributes:
      dataset: a split.
      repeat: how often an epoch shows each image.
      labels: task -> the name of its label; tasks without a label in this dataset are absent.
    """

    dataset: Dataset
    repeat: int
    labels: Mapping[str, str]


def open_training_sets(config: Config) -> tuple[Config, list[TrainingSet]]:
    """Opens the training datasets, and checks the labels of the benchmarks.

    Returns:
      The configuration with the classes of every task, and a training set for each of
      `config.data.train`.

    Raises:
      UserError: a dataset is not prepared, a label does not fit its task, or a training image is
        a test image.
    """
    settings, benchmark_settings = config.data.train, config.evaluation.benchmarks
    opened = open_datasets(settings, config.data.directory)
    benchmarks = open_datasets(benchmark_settings, config.data.directory)
    datasets = resolve_leaks(opened, config.data.leaks, benchmarks)
    for before, after in zip(opened, datasets, strict=True):
        if left_out := len(before) - len(after):
            print(
                f'{left_out} of {len(before)} images of {before.source} are test images: left out',
                flush=True,
            )
    tasks = find_classes(config.tasks, settings, datasets)
    for benchmark, setting in zip(benchmarks, benchmark_settings, strict=True):
        map_labels(benchmark, setting, tasks)
    return dataclasses.replace(config, tasks=tasks), [
        TrainingSet(
            dataset=dataset, repeat=setting.repeat, labels=map_labels(dataset, setting, tasks)
        )
        for dataset, setting in zip(datasets, settings, strict=True)
    ]
