"""One network as one portable safetensors file: arrays, configuration and model card.

Arrays are named by their path, `params/GROUP/...` and `batch_stats/...`; the metadata holds what
else is known, each value as JSON. A file may hold a part of a network only, as imported weights do:
training starts from it, prediction refuses it.
"""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import flax.traverse_util
import jax
import numpy as np
import safetensors
import safetensors.numpy

from ubernet_jax.config import Config, serialization
from ubernet_jax.config.validation import validate
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import parse_json
from ubernet_jax.network import SHARED, Params, init_variables

SUFFIX = '.safetensors'
PARAMS, BATCH_STATS = 'params', 'batch_stats'  # the first part of every array's name
_FORMAT = 'ubernet_jax'

Card = Mapping[str, Any]


class TrainedNetwork(NamedTuple):
    """What prediction needs of a run.

    Attributes:
      config: of the run.
      step: steps it was trained for.
      params: by group.
      batch_stats: running statistics of the skips.
    """

    config: Config
    step: int
    params: Params
    batch_stats: dict

    def only(self, tasks: Sequence[str]) -> 'TrainedNetwork':
        """The same trunk with the heads of these tasks."""
        config = dataclasses.replace(
            self.config, tasks={name: self.config.tasks[name] for name in tasks}
        )
        params = {name: self.params[name] for name in (SHARED, *tasks)}
        return self._replace(config=config, params=params)


class ExportedFile(NamedTuple):
    """What a file holds.

    Attributes:
      config: of the network.
      step: micro-batches it was trained for.
      arrays: float32, by name.
      card: what else the metadata says, by key.
    """

    config: Config
    step: int
    arrays: dict[str, np.ndarray]
    card: dict[str, Any]


def save_exported(
    trained: TrainedNetwork,
    path: pathlib.Path,
    dtype: type[np.floating] = np.float32,
    card: Card | None = None,
) -> None:
    """Writes a network to `path`; makes its folder if need be.

    Args:
      trained: the network.
      path: `.safetensors`.
      dtype: of the parameters; statistics, whose range float16 does not hold, stay float32.
      card: what else to tell, as values for JSON.

    Raises:
      UserError: `path` is a folder, or not named as `load_exported` reads it; or a parameter is too
        large for `dtype`.
    """
    arrays = flatten(trained.params, trained.batch_stats)
    for name, array in arrays.items():
        if name.startswith(PARAMS):
            arrays[name] = _cast(name, np.asarray(array), dtype)
    write_file(path, arrays, trained.config, trained.step, card or {})


def write_file(
    path: pathlib.Path, arrays: Mapping[str, np.ndarray], config: Config, step: int, card: Card
) -> None:
    """Writes arrays of a network, all or a part, with their metadata. Raises as `save_exported`."""
    if path.suffix != SUFFIX or path.is_dir():
        raise UserError(f'--out {path} must be a file whose name ends in {SUFFIX}')
    model = config.model
    preprocessing = {'channels': 'RGB', 'range': 255, 'mean': model.mean, 'std': model.std}
    metadata = {
        'step': step,
        'config': serialization.to_json(config),
        'preprocessing': preprocessing,
    }
    metadata = {key: json.dumps(value) for key, value in {**metadata, **card}.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    ordered = {name: np.asarray(array, order='C') for name, array in arrays.items()}
    # As bytes, because `save_file` makes files that only their owner may read.
    path.write_bytes(safetensors.numpy.save(ordered, {'format': _FORMAT, **metadata}))


def read_file(path: pathlib.Path) -> ExportedFile:
    """Reads what `write_file` wrote.

    Raises:
      UserError: it is not a safetensors file, not one of this package, or damaged.
    """
    try:
        with safetensors.safe_open(path, framework='numpy') as file:
            metadata = file.metadata() or {}
            if metadata.pop('format', None) != _FORMAT:
                raise UserError(
                    f'{path} is a {SUFFIX} file, but not of a network of this package: '
                    'make one with python -m ubernet_jax.weights'
                )
            card = {key: parse_json(value, f'{path}: {key}') for key, value in metadata.items()}
            config, step = _check(path, card.pop('config'), card.pop('step'))
            arrays = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}
            return ExportedFile(config, step, arrays, card)
    except (OSError, TypeError, safetensors.SafetensorError) as error:
        raise UserError(f'{path} cannot be read as a {SUFFIX} file: {error}') from error
    except KeyError as error:
        raise UserError(f'{path}: its metadata cannot be read: they lack {error}') from error


def load_exported(path: pathlib.Path) -> TrainedNetwork:
    """Reads a whole network; parameters are float32.

    Raises:
      UserError: the file cannot be read, or does not hold the network that it describes.
    """
    config, step, arrays, _ = read_file(path)
    wanted = network_shapes(config)
    others = [name for name in wanted if name not in arrays or arrays[name].shape != wanted[name]]
    if others or len(arrays) != len(wanted):
        shown = ', '.join([*others, *(arrays.keys() - wanted.keys())][:3])
        raise UserError(
            f'{path} does not hold the whole network that it describes: {len(others)} of '
            f'{len(wanted)} arrays are missing or of another shape ({shown}, ...). A part of a '
            'network is where training can start: --config.model.weights=FILE'
        )
    return TrainedNetwork(config, step, *unflatten(arrays))


def network_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """The shape of every array of the network that a configuration describes, by name."""
    abstract = flatten(*jax.eval_shape(lambda: init_variables(config, jax.random.PRNGKey(0))))
    return {name: leaf.shape for name, leaf in abstract.items()}


def flatten(params: Params, batch_stats: dict) -> dict[str, Any]:
    """The leaves of both trees by name."""
    return flax.traverse_util.flatten_dict({PARAMS: params, BATCH_STATS: batch_stats}, sep='/')


def unflatten(arrays: Mapping[str, Any]) -> tuple[Params, dict]:
    """The inverse of `flatten`."""
    tree = flax.traverse_util.unflatten_dict(dict(arrays), sep='/')
    return tree[PARAMS], tree[BATCH_STATS]


def _check(path: pathlib.Path, plain: Any, step: Any) -> tuple[Config, int]:
    if type(step) is not int or step < 0:
        raise UserError(f'{path}: step is {step!r:.50}, but must be a number of micro-batches')
    try:
        config = serialization.from_json(plain)
        validate(config)
    except UserError as error:
        raise UserError(f'{path}: {error}') from error
    return config, step


def _cast(name: str, array: np.ndarray, dtype: type[np.floating]) -> np.ndarray:
    with np.errstate(over='ignore'):
        cast = array.astype(dtype)
    if not np.array_equal(np.isfinite(cast), np.isfinite(array)):
        raise UserError(
            f'{name} has values up to {np.abs(array).max():g}, which {np.dtype(dtype).name} cannot '
            'hold: export with --dtype float32'
        )
    return cast
