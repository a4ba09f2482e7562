"""A new configuration for prepared datasets, with comments on what was chosen."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from ubernet_jax.config import (
    Config,
    DatasetConfig,
    EvaluationConfig,
    GroupConfig,
    Leaks,
    OptimConfig,
    Optimizer,
)
from ubernet_jax.config.validation import validate
from ubernet_jax.configure import settings
from ubernet_jax.configure.comments import make_comments
from ubernet_jax.configure.length import Length, choose_length
from ubernet_jax.configure.machine import Machine
from ubernet_jax.configure.sets import open_sets
from ubernet_jax.configure.tasks import Assignment, assign_tasks
from ubernet_jax.datasets.checks.leaks import find_leaks
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.tasks import Task
from ubernet_jax.training.training_sets import make_training_sets

_MAX_REPEAT = 10
_SCORED = 8  # images of a benchmark that are scored during training


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A configuration that was made for some datasets and a machine.

    Attributes:
      config: the configuration.
      comments: path of a field, such as `data.train[0]` -> what to know about it.
      notes: decisions about the labels.
      machine: for which it was made.
      length: of the run.
    """

    config: Config
    comments: dict[str, str]
    notes: list[str]
    machine: Machine
    length: Length


def make_plan(
    names: Sequence[str], directory: pathlib.Path, experiment: str, machine: Machine
) -> Plan:
    """Chooses all settings of a run on prepared datasets.

    Args:
      names: of the datasets, such as `folder/garden`.
      directory: folder of the prepared datasets.
      experiment: the name of the configuration.
      machine: on which it trains.

    Raises:
      UserError: a dataset is not prepared or cannot be trained on, or a task would have a name that
        is not allowed.
    """
    sets = open_sets(names, directory)
    assignment = assign_tasks(sets)
    repeats = _balance([len(part.train) for part in sets])
    epoch = sum(len(part.train) * repeat for part, repeat in zip(sets, repeats, strict=True))
    data = settings.choose_sizes(np.concatenate([part.train.sizes for part in sets]), machine)
    model, (trunk, head) = settings.choose_model(data, machine), settings.choose_groups()
    length = choose_length(epoch, data, model, machine)
    third = max(1, length.images // data.images_per_micro_batch // 3)
    benchmarks = [part.benchmark for part in sets if part.benchmark]
    data.directory = str(directory)
    data.train = [
        _use(part.train, assignment, repeat) for part, repeat in zip(sets, repeats, strict=True)
    ]
    if find_leaks([part.train for part in sets], benchmarks):
        data.leaks = Leaks.LEAVE_OUT
    config = Config(
        name=experiment,
        images=length.images,
        tasks={
            name: _complete(task, head, data.buckets) for name, task in assignment.tasks.items()
        },
        model=model,
        optim=OptimConfig(optimizer=Optimizer.ADAMW, shared=trunk),
        data=data,
        input_size=settings.choose_input_size(data),
        evaluation=EvaluationConfig(
            benchmarks=[_use(benchmark, assignment) for benchmark in benchmarks], limit=_SCORED
        ),
        checkpoint_every=third,
        pictures_every=third,
        evaluate_every=third,
    )
    validate(config)
    make_training_sets(config, [part.train for part in sets], benchmarks)
    return Plan(
        config=config,
        comments=make_comments(config, sets, assignment, length, machine),
        notes=assignment.notes,
        machine=machine,
        length=length,
    )


def _balance(counts: Sequence[int]) -> list[int]:
    """How often an epoch shows the images of each dataset, so that all are shown about equally."""
    return [min(_MAX_REPEAT, max(1, round(max(counts) / count))) for count in counts]


def _use(dataset: Dataset, assignment: Assignment, repeat: int = 1) -> DatasetConfig:
    """A split in the configuration, for the tasks that it has labels for."""
    labels = assignment.labels[dataset.name]
    present = dataset.present_labels()
    used = {task: label for task, label in labels.items() if label in present}
    return DatasetConfig(
        name=dataset.name,
        split=dataset.split,
        repeat=repeat,
        tasks=tuple(used),
        labels={task: label for task, label in used.items() if task != label},
    )


def _complete(task: Task, group: GroupConfig, buckets: Sequence[tuple[int, int]]) -> Task:
    """A task with its parameter group, and with settings that suit the size of the images."""
    fitted = task.fitted_to(max(map(max, buckets)))
    return dataclasses.replace(fitted, **dataclasses.asdict(group))
