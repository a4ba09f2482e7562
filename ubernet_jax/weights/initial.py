"""The start of training from a file of weights, imported or exported."""

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
      params: by group.
      batch_stats: running statistics of the skips.
      summary: what the file gave, in one line.
    """

    params: Params
    batch_stats: dict
    summary: str


def adopt_preprocessing(config: Config) -> Config:
    """The configuration with the mean and std that its `model.weights`, if any, were made for.

    Raises:
      UserError: the file cannot be read, or is for another trunk.
    """
    if not config.model.weights:
        return config
    model = read_file(pathlib.Path(config.model.weights)).config.model
    if model.trunk is not config.model.trunk:
        raise UserError(
            f'{config.model.weights} is for the trunk {model.trunk.value}, not '
            f'{config.model.trunk.value}: set --config.model.trunk={model.trunk.value}'
        )
    model = dataclasses.replace(config.model, mean=model.mean, std=model.std)
    return dataclasses.replace(config, model=model)


def load_start(path: pathlib.Path, params: Params, batch_stats: dict) -> Start:
    """Replaces what the file has; the rest stays as it is.

    A task that has other classes or anchors than the file keeps its own initial layers; a trunk of
    another width is a mistake.

    Args:
      path: what `python -m ubernet_jax.weights` wrote.
      params: initial ones.
      batch_stats: initial ones.

    Raises:
      UserError: the file cannot be read, or its trunk has another width.
    """
    initial, given = flatten(params, batch_stats), read_file(path).arrays
    common = {name: array for name, array in given.items() if name in initial}
    others = [name for name in common if common[name].shape != initial[name].shape]
    for name in others:
        if not name.startswith(PARAMS) or name.split('/')[1] == SHARED:
            raise UserError(
                f'{path}: {name} has shape {common[name].shape}, the network '
                f'{initial[name].shape}: set --config.model.width to that of the file'
            )
    used = {name: array for name, array in common.items() if name not in others}
    if not used:
        raise UserError(f'{path} has nothing that this network has: it holds {", ".join(given)}')
    summary = f'{path}: {len(used)} of {len(initial)} arrays of the network'
    if others:
        summary += f'; of another shape, and left as initialised: {", ".join(others)}'
    return Start(*unflatten({**initial, **used}), summary)
