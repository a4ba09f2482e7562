"""Opens the teachers whose features are distilled, and checks that they suit the student."""

import dataclasses
import pathlib
from collections.abc import Sequence

from ubernet_jax.config import Config, Leaks
from ubernet_jax.datasets.checks.leaks import open_datasets
from ubernet_jax.datasets.checks.teachers import refuse_leaking_teacher
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.errors import UserError
from ubernet_jax.network import SHARED, Network
from ubernet_jax.training.distillation import Teacher
from ubernet_jax.weights.arrays import flatten
from ubernet_jax.weights.digest import digest_arrays
from ubernet_jax.weights.exported import TrainedNetwork
from ubernet_jax.weights.trained import open_checkpoint
from ubernet_jax.weights.training_images import find_images_of


def open_teachers(config: Config) -> dict[str, Teacher]:
    """Opens the network `distill_from` of every task that has it.

    Raises:
      UserError: it cannot be read, has another trunk or width than the student, or was trained on a
        test image or on images that are not prepared (unless `data.leaks` is `allow`).
    """
    names = [name for name, task in config.tasks.items() if task.distill_from]
    benchmarks = []
    if names and config.data.leaks is not Leaks.ALLOW:
        benchmarks = open_datasets(
            'evaluation.benchmarks', config.evaluation.benchmarks, config.data.directory
        )
    return {name: _open_teacher(name, config, benchmarks) for name in names}


def _open_teacher(name: str, config: Config, benchmarks: Sequence[Dataset]) -> Teacher:
    field, source = f'tasks.{name}.distill_from', pathlib.Path(config.tasks[name].distill_from)
    try:
        trained = open_checkpoint(source)
    except UserError as error:
        raise UserError(f'config: {field}: {error}') from error
    _check_model(field, source, trained, config)
    digest = digest_arrays(flatten(trained.params, trained.batch_stats))
    if benchmarks:
        trained.config.data.directory = config.data.directory
        refuse_leaking_teacher(
            f'the teacher {source} (network {digest})',
            find_images_of(source, trained.config),
            benchmarks,
            f'set --config.{field}=',
        )
    # Only skips of the finest level are used.
    model = dataclasses.replace(trained.config.model, scales=1)
    return Teacher(
        network=Network(model, {}),
        digest=digest,
        params=trained.params[SHARED],
        batch_stats=trained.batch_stats,
    )


def _check_model(field: str, source: pathlib.Path, trained: TrainedNetwork, config: Config) -> None:
    of_teacher, of_student = trained.config.model, config.model
    got, needed = (
        f'trunk {model.trunk.value} of width {model.width:g}' for model in (of_teacher, of_student)
    )
    if got != needed:
        raise UserError(
            f'config: {field} is {source}, which has the {got}, but this configuration has the '
            f'{needed}: their features cannot be compared. Train a teacher with the same '
            'model.trunk and model.width'
        )
