"""Initialises training from a weight file, imported or exported."""

import dataclasses
import pathlib
from typing import NamedTuple

from ubernet_jax.config import Config
from ubernet_jax.errors import UserError
from ubernet_jax.network import SHARED, Params
from ubernet_jax.weights.exported import PARAMS, flatten, read_file, unflatten


class Start(NamedTuple):
    """A network before the first step.

    Attributes:
      params: parameters by group.
      batch_stats: running statistics of the skips.
      summary: a line that describes which arrays are from the file.
    """

    params: Params
    batch_stats: dict
    summary: str


def adopt_preprocessing(config: Config) -> Config:
    """Returns the configuration with the settings that the file `model.weights` needs, if any.

    These are its mean and std, and those of each task that it describes too: see `Task.adopt`.

    Raises:
      UserError: the file cannot be read, or is for another trunk.
    """
    if not config.model.weights:
        return config
    stored = read_file(pathlib.Path(config.model.weights)).config
    file_model = stored.model
    if file_model.trunk is not config.model.trunk:
        raise UserError(
            f'{config.model.weights} is for the trunk {file_model.trunk.value}, but model.trunk is '
            f'{config.model.trunk.value}: set --config.model.trunk={file_model.trunk.value}'
        )
    model = dataclasses.replace(config.model, mean=file_model.mean, std=file_model.std)
    tasks = {
        name: task.adopt(stored.tasks[name]) if name in stored.tasks else task
        for name, task in config.tasks.items()
    }
    return dataclasses.replace(config, model=model, tasks=tasks)


def load_start(path: pathlib.Path, params: Params, batch_stats: dict) -> Start:
    """Replaces the initial arrays that the file has; the others are not changed.

    A task with other classes or anchors than the file keeps its initial layers. A trunk of another
    width is an error.

    Args:
      path: a file that `python -m ubernet_jax.weights` wrote.
      params: the initial parameters by group.
      batch_stats: the initial running statistics.

    Raises:
      UserError: the file cannot be read, its trunk has another width, or it has no array of the
        network.
    """
    initial, stored = flatten(params, batch_stats), read_file(path).arrays
    common = {name: array for name, array in stored.items() if name in initial}
    misfits = [name for name in common if common[name].shape != initial[name].shape]
    for name in misfits:
        if not name.startswith(PARAMS) or name.split('/')[1] == SHARED:
            raise UserError(
                f'{path}: {name} has shape {common[name].shape}, but the network needs '
                f'{initial[name].shape}: set --config.model.width to the width of the file'
            )
    used = {name: array for name, array in common.items() if name not in misfits}
    if not used:
        raise UserError(f'{path} has no array of this network: it holds {", ".join(stored)}')
    summary = f'{path}: {len(used)} of {len(initial)} arrays of the network'
    if misfits:
        summary += f'; not used, because their shapes differ: {", ".join(misfits)}'
    return Start(*unflatten({**initial, **used}), summary)
