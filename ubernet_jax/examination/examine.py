"""What the doctor finds: of the machine, of every prepared dataset, of a configuration."""

import dataclasses
import pathlib
from collections.abc import Sequence

from ubernet_jax.config import Config, DatasetConfig, Leaks
from ubernet_jax.datasets.catalogue import BUILDERS, list_folders
from ubernet_jax.datasets.duplicates import Duplicate
from ubernet_jax.datasets.inspection import SetReport, Status, inspect_dataset
from ubernet_jax.datasets.leaks import find_leaks
from ubernet_jax.datasets.reading import Dataset, open_dataset
from ubernet_jax.errors import UserError
from ubernet_jax.examination.environment import Environment, describe_environment
from ubernet_jax.tasks import Task


@dataclasses.dataclass(slots=True, kw_only=True)
class ConfigReport:
    """A configuration.

    Attributes:
      name: of the experiment.
      faults: why it cannot be run, and what mends that.
      leaks: training images that are test images of its benchmarks.
      policy: what the training does with them.
    """

    name: str
    faults: list[str]
    leaks: list[Duplicate]
    policy: Leaks


@dataclasses.dataclass(slots=True, kw_only=True)
class Examination:
    """Everything that was looked at.

    Attributes:
      environment: versions, devices, memory.
      directory: where the sets lie.
      sets: every known one, and every folder of one's own.
      config: None if none was named.
    """

    environment: Environment
    directory: str
    sets: list[SetReport]
    config: ConfigReport | None

    @property
    def healthy(self) -> bool:
        """Whether nothing is broken, and no image is both trained and tested on."""
        faulty = self.environment.fault or any(one.status is Status.BROKEN for one in self.sets)
        if faulty or self.config is None:
            return not faulty
        leaks = [] if self.config.policy is Leaks.LEAVE_OUT else self.config.leaks
        return not self.config.faults and not leaks


def examine(
    directory: pathlib.Path, config: Config | None = None, full: bool = False
) -> Examination:
    """Looks at all prepared sets.

    Args:
      directory: where they lie.
      config: a configuration to check against them.
      full: look at the pixels of all images, not of some of each split.
    """
    names = [*BUILDERS, *list_folders(directory)]
    sets = [inspect_dataset(name, directory, _wanted_tasks(name, config), full) for name in names]
    broken = {one.name for one in sets if one.status is Status.BROKEN}
    return Examination(
        environment=describe_environment(),
        directory=str(directory),
        sets=sets,
        config=_inspect_config(config, directory, broken) if config else None,
    )


def _wanted_tasks(name: str, config: Config | None) -> dict[str, Task] | None:
    """The tasks for which a configuration uses a dataset; None if it does not use it."""
    if config is None:
        return None
    used = [*config.data.train, *config.evaluation.benchmarks]
    wanted = {task for one in used if one.name == name for task in one.tasks or config.tasks}
    return {task: row for task, row in config.task_table().items() if task in wanted} or None


def _inspect_config(config: Config, directory: pathlib.Path, broken: set[str]) -> ConfigReport:
    training, faults = _open_sound('data.train', config.data.train, directory, broken)
    if not faults:
        own = zip(config.data.train, training, strict=True)
        labelled = {task for one, data in own for task in data.tasks & set(one.tasks or data.tasks)}
        faults += [
            f'no training set labels {task}; add one to data.train, or leave the task out'
            for task in config.tasks
            if task not in labelled
        ]
    benchmarks, more = _open_sound(
        'evaluation.benchmarks', config.evaluation.benchmarks, directory, broken
    )
    return ConfigReport(
        name=config.name,
        faults=faults + more,
        leaks=find_leaks(training, benchmarks),
        policy=config.data.leaks,
    )


def _open_sound(
    field: str, settings: Sequence[DatasetConfig], directory: pathlib.Path, broken: set[str]
) -> tuple[list[Dataset], list[str]]:
    """Those datasets that can be opened, and what is wrong with the others."""
    opened, faults = [], []
    for number, setting in enumerate(settings):
        if setting.name in broken:
            faults.append(f'{field}[{number}] is {setting.name}, which is broken')
            continue
        try:
            opened.append(open_dataset(setting.name, setting.split, directory))
        except UserError as error:
            faults.append(f'{field}[{number}]: {error}')
    return opened, faults
