"""Diagnoses the machine, every prepared dataset, and a configuration."""

import dataclasses
import pathlib
from collections.abc import Sequence

from ubernet_jax.config import Config, DatasetConfig, Leaks
from ubernet_jax.datasets.builders.registry import BUILDERS, list_folders
from ubernet_jax.datasets.checks.duplicates import Duplicate
from ubernet_jax.datasets.checks.leaks import find_leaks, leave_out
from ubernet_jax.datasets.reading import Dataset, open_dataset
from ubernet_jax.doctor.dataset_report import DatasetReport, Status, inspect_dataset
from ubernet_jax.doctor.machine import Environment, describe_environment
from ubernet_jax.errors import UserError
from ubernet_jax.training.epochs import Epochs
from ubernet_jax.training.schedule import Schedule, make_schedule
from ubernet_jax.training.teachers import open_teachers
from ubernet_jax.training.training_sets import describe_unlabelled, make_training_sets
from ubernet_jax.weights.initial import adopt_preprocessing


@dataclasses.dataclass(slots=True, kw_only=True)
class ConfigReport:
    """A configuration.

    Attributes:
      name: of the experiment.
      errors: why it cannot be run, and how to fix it.
      leaks: training images that are also test images of its benchmarks.
      policy: what the training does with them.
      schedule: the plan of the run; None if its datasets or labels have errors.
    """

    name: str
    errors: list[str]
    leaks: list[Duplicate]
    policy: Leaks
    schedule: Schedule | None


@dataclasses.dataclass(slots=True, kw_only=True)
class Diagnosis:
    """The result of all checks.

    Attributes:
      environment: versions, devices, memory.
      directory: folder of the prepared datasets.
      datasets: a report on every known dataset and on every prepared dataset of the user.
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
    data = dataclasses.replace(config.data, directory=str(directory))
    config = dataclasses.replace(config, data=data)
    training, errors = _open_datasets('data.train', config.data.train, directory, broken)
    benchmarks, benchmark_errors = _open_datasets(
        'evaluation.benchmarks', config.evaluation.benchmarks, directory, broken
    )
    errors += benchmark_errors
    leaks = find_leaks(training, benchmarks)
    schedule = None
    if not errors:
        trained = leave_out(training, leaks) if config.data.leaks is Leaks.LEAVE_OUT else training
        schedule, errors = _plan(config, trained, benchmarks)
    return ConfigReport(
        name=config.name,
        errors=[*_find_start_errors(config), *errors],
        leaks=leaks,
        policy=config.data.leaks,
        schedule=schedule,
    )


def _find_start_errors(config: Config) -> list[str]:
    """Checks the initial weights."""
    try:
        adopt_preprocessing(config)
    except UserError as error:
        return [str(error)]
    return []


def _plan(
    config: Config, training: Sequence[Dataset], benchmarks: Sequence[Dataset]
) -> tuple[Schedule | None, list[str]]:
    """Plans the run; returns errors if the tasks do not fit the labels of the datasets.

    So it does if a teacher does not fit: see `open_teachers`.
    """
    try:
        config, sets = make_training_sets(config, training, benchmarks)
        open_teachers(config)
        schedule = make_schedule(config, Epochs(sets, config.data, config.seed))
    except UserError as error:
        return None, [str(error)]
    return schedule, describe_unlabelled(config, sets)


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
