"""One trained network as one portable safetensors file: weights, with the configuration inside."""

import json
import pathlib
from typing import NamedTuple

import flax.traverse_util
import numpy as np
import safetensors
import safetensors.numpy

from ubernet_jax import config_file
from ubernet_jax.config import Config
from ubernet_jax.errors import UserError
from ubernet_jax.models.ubernet import Params

SUFFIX = '.safetensors'


class TrainedNetwork(NamedTuple):
    """What prediction needs of a run.

    Attributes:
      config: of the run.
      step: micro-batches it was trained for.
      params: by group.
      batch_stats: running statistics of the skips.
    """

    config: Config
    step: int
    params: Params
    batch_stats: dict


def save_exported(trained: TrainedNetwork, path: pathlib.Path) -> None:
    """Writes a network to `path`, in float32; makes its folder if need be.

    Raises:
      UserError: `path` is a folder, or not named as `load_exported` reads it.
    """
    if path.suffix != SUFFIX or path.is_dir():
        raise UserError(f'--out {path} must be a file whose name ends in {SUFFIX}')
    tree = {'params': trained.params, 'batch_stats': trained.batch_stats}
    arrays = flax.traverse_util.flatten_dict(tree, sep='/')
    metadata = {
        'format': 'ubernet_jax',
        'step': str(trained.step),
        'config': json.dumps(config_file.to_json(trained.config)),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.numpy.save_file({k: np.asarray(v) for k, v in arrays.items()}, path, metadata)


def load_exported(path: pathlib.Path) -> TrainedNetwork:
    """Reads what `save_exported` wrote.

    Raises:
      UserError: it is not a safetensors file, not one of this package, or damaged.
    """
    try:
        with safetensors.safe_open(path, framework='numpy') as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, safetensors.SafetensorError) as error:
        raise UserError(f'{path} cannot be read as a {SUFFIX} file: {error}') from error
    if metadata.get('format') != 'ubernet_jax':
        raise UserError(
            f'{path} is a {SUFFIX} file, but not of a network of this package: '
            'make one with python -m ubernet_jax.weights export'
        )
    try:
        tree = flax.traverse_util.unflatten_dict(arrays, sep='/')
        config = config_file.from_json(json.loads(metadata['config']), f'{path}: config')
        return TrainedNetwork(config, int(metadata['step']), tree['params'], tree['batch_stats'])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UserError(f'{path} is damaged ({error!r:.80}); export the network again') from error
