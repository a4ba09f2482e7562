"""The datasets of a run: opened, without leaks, and with the label of every task."""

import dataclasses
from collections.abc import Mapping

from ubernet_jax.config import Config, DatasetConfig
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
    opened = open_datasets(config.data.train, config)
    datasets = resolve_leaks(opened, config)
    for before, after in zip(opened, datasets, strict=True):
        if left_out := len(before) - len(after):
            print(
                f'{left_out} of {len(before)} images of {before.source} are test images: left out',
                flush=True,
            )
    config = find_classes(config, datasets)
    benchmarks = config.evaluation.benchmarks
    for benchmark, setting in zip(open_datasets(benchmarks, config), benchmarks, strict=True):
        map_labels(benchmark, setting, config.tasks)
    return config, [
        make_training_set(dataset, setting, config)
        for dataset, setting in zip(datasets, config.data.train, strict=True)
    ]


def make_training_set(dataset: Dataset, setting: DatasetConfig, config: Config) -> TrainingSet:
    """The training set of a dataset and its settings; raises like `map_labels`."""
    labels = map_labels(dataset, setting, config.tasks)
    return TrainingSet(dataset=dataset, repeat=setting.repeat, labels=labels)
