"""Diagnoses the machine, every prepared dataset, and a configuration."""

import dataclasses
import pathlib
from collections.abc import Sequence

from ubernet_jax.config import Config, DatasetConfig, Leaks
from ubernet_jax.datasets.builders.registry import BUILDERS, list_folders
from ubernet_jax.datasets.checks.duplicates import Duplicate
from ubernet_jax.datasets.checks.leaks import find_leaks
from ubernet_jax.datasets.label_mapping import find_classes, map_labels
from ubernet_jax.datasets.reading import Dataset, open_dataset
from ubernet_jax.doctor.dataset_report import DatasetReport, Status, inspect_dataset
from ubernet_jax.doctor.machine import Environment, describe_environment
from ubernet_jax.errors import UserError


@dataclasses.dataclass(slots=True, kw_only=True)
class ConfigReport:
    """A configuration.

    Attributes:
      name: of the experiment.
      errors: why it cannot be run, and how to fix it.
      leaks: training images that are also test images of its benchmarks.
      policy: what the training does with them.
    """

    name: str
    errors: list[str]
    leaks: list[Duplicate]
    policy: Leaks


@dataclasses.dataclass(slots=True, kw_only=True)
class Diagnosis:
    """The result of all checks.

    Attributes:
      environment: versions, devices, memory.
      directory: folder of the prepared datasets.
      datasets: a report on every known dataset and on every prepared dataset `folder/NAME`.
      config: a report on the configuration; None if none was given.
    """

    environment: Environment
    directory: str
    datasets: list[DatasetReport]
    config: ConfigReport | None

    @property
    def healthy(self) -> bool:
        """Whether nothing is broken and no image is used for both training and testing."""
        broken = any(report.status is Status.BROKEN for report in self.datasets)
        if self.environment.error or broken:
            return False
        if self.config is None:
            return True
        leaks = [] if self.config.policy is Leaks.LEAVE_OUT else self.config.leaks
        return not self.config.errors and not leaks


def diagnose(
    directory: pathlib.Path, config: Config | None = None, full: bool = False
) -> Diagnosis:
    """Inspects the machine and all prepared datasets.

    Args:
      directory: folder of the prepared datasets.
      config: a configuration to check against the datasets.
      full: whether to inspect the pixels of all images, not only of some in each split.
    """
    names = [*BUILDERS, *list_folders(directory)]
    datasets = [inspect_dataset(name, directory, full) for name in names]
    broken = {report.name for report in datasets if report.status is Status.BROKEN}
    return Diagnosis(
        environment=describe_environment(),
        directory=str(directory),
        datasets=datasets,
        config=_inspect_config(config, directory, broken) if config else None,
    )


def _inspect_config(config: Config, directory: pathlib.Path, broken: set[str]) -> ConfigReport:
    training, errors = _open_datasets('data.train', config.data.train, directory, broken)
    benchmarks, benchmark_errors = _open_datasets(
        'evaluation.benchmarks', config.evaluation.benchmarks, directory, broken
    )
    errors += benchmark_errors
    if not errors:
        errors = _find_label_errors(config, training, benchmarks)
    return ConfigReport(
        name=config.name,
        errors=errors,
        leaks=find_leaks(training, benchmarks),
        policy=config.data.leaks,
    )


def _find_label_errors(
    config: Config, training: Sequence[Dataset], benchmarks: Sequence[Dataset]
) -> list[str]:
    """Checks the tasks of a configuration against the labels of its datasets."""
    try:
        tasks = find_classes(config.tasks, config.data.train, training)
        mapped = [
            map_labels(dataset, setting, tasks)
            for dataset, setting in zip(training, config.data.train, strict=True)
        ]
        for dataset, setting in zip(benchmarks, config.evaluation.benchmarks, strict=True):
            map_labels(dataset, setting, tasks)
    except UserError as error:
        return [str(error)]
    labelled = set().union(*mapped)
    return [
        f'no dataset in data.train has labels for {task}; add such a dataset, or remove the task'
        for task in config.tasks
        if task not in labelled
    ]


def _open_datasets(
    field: str, settings: Sequence[DatasetConfig], directory: pathlib.Path, broken: set[str]
) -> tuple[list[Dataset], list[str]]:
    """Returns the datasets that can be opened, and the errors of the others."""
    opened, errors = [], []
    for number, setting in enumerate(settings):
        if setting.name in broken:
            errors.append(f'{field}[{number}] is {setting.name}, which is broken')
            continue
        try:
            opened.append(open_dataset(setting.name, setting.split, directory))
        except UserError as error:
            errors.append(f'{field}[{number}]: {error}')
    return opened, errors
