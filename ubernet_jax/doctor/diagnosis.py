"""What the doctor finds: of the machine, of every prepared dataset, of a configuration."""

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
      errors: why it cannot be run, and what mends that.
      leaks: training images that are test images of its benchmarks.
      policy: what the training does with them.
    """

    name: str
    errors: list[str]
    leaks: list[Duplicate]
    policy: Leaks


@dataclasses.dataclass(slots=True, kw_only=True)
class Diagnosis:
    """Everything that was looked at.

    Attributes:
      environment: versions, devices, memory.
      directory: where the sets lie.
      sets: every known one, and every folder of one's own.
      config: None if none was named.
    """

    environment: Environment
    directory: str
    sets: list[DatasetReport]
    config: ConfigReport | None

    @property
    def healthy(self) -> bool:
        """Whether nothing is broken, and no image is both trained and tested on."""
        faulty = self.environment.error or any(one.status is Status.BROKEN for one in self.sets)
        if faulty or self.config is None:
            return not faulty
        leaks = [] if self.config.policy is Leaks.LEAVE_OUT else self.config.leaks
        return not self.config.errors and not leaks


def diagnose(
    directory: pathlib.Path, config: Config | None = None, full: bool = False
) -> Diagnosis:
    """Looks at all prepared sets.

    Args:
      directory: where they lie.
      config: a configuration to check against them.
      full: look at the pixels of all images, not of some of each split.
    """
    names = [*BUILDERS, *list_folders(directory)]
    sets = [inspect_dataset(name, directory, full) for name in names]
    broken = {one.name for one in sets if one.status is Status.BROKEN}
    return Diagnosis(
        environment=describe_environment(),
        directory=str(directory),
        sets=sets,
        config=_inspect_config(config, directory, broken) if config else None,
    )


def _inspect_config(config: Config, directory: pathlib.Path, broken: set[str]) -> ConfigReport:
    training, errors = _open_sound('data.train', config.data.train, directory, broken)
    benchmarks, more = _open_sound(
        'evaluation.benchmarks', config.evaluation.benchmarks, directory, broken
    )
    if not errors + more:
        errors += _find_label_errors(config, training, benchmarks)
    return ConfigReport(
        name=config.name,
        errors=errors + more,
        leaks=find_leaks(training, benchmarks),
        policy=config.data.leaks,
    )


def _find_label_errors(
    config: Config, training: Sequence[Dataset], benchmarks: Sequence[Dataset]
) -> list[str]:
    """What is wrong between the tasks of a configuration and the labels of its datasets."""
    try:
        config = find_classes(config, training)
        sets = zip(training, config.data.train, strict=True)
        mapped = [map_labels(dataset, setting, config.tasks) for dataset, setting in sets]
        for dataset, setting in zip(benchmarks, config.evaluation.benchmarks, strict=True):
            map_labels(dataset, setting, config.tasks)
    except UserError as error:
        return [str(error)]
    labelled = set().union(*mapped)
    return [
        f'no training set labels {task}; add one to data.train, or leave the task out'
        for task in config.tasks
        if task not in labelled
    ]


def _open_sound(
    field: str, settings: Sequence[DatasetConfig], directory: pathlib.Path, broken: set[str]
) -> tuple[list[Dataset], list[str]]:
    """Those datasets that can be opened, and what is wrong with the others."""
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
