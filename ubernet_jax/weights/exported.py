"""Stores a network as a portable safetensors file: arrays, configuration and model card.

Arrays are named by their path, `params/GROUP/...` and `batch_stats/...`. The metadata holds
everything else, each value as JSON, and a digest of arrays and metadata, which is checked on
reading. A file may hold only a part of a network, as imported weights do: training can start from
it, prediction refuses it.
"""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import safetensors
import safetensors.numpy

from ubernet_jax.config import Config, serialization
from ubernet_jax.config.validation import validate
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import parse_json
from ubernet_jax.network import SHARED, Params
from ubernet_jax.weights.arrays import PARAMS, flatten, network_shapes, unflatten
from ubernet_jax.weights.digest import digest_arrays, note_without_digests
from ubernet_jax.weights.package_weights import add_left_out, leave_out
from ubernet_jax.weights.quantization import is_quantised, quantise, restore
from ubernet_jax.weights.safetensors_file import open_safetensors
from ubernet_jax.writing import new_file

SUFFIX = '.safetensors'
_FORMAT = 'ubernet_jax'
_DIGEST, _PACKAGE = 'digest', 'package'  # keys of the metadata

Card = Mapping[str, Any]


class TrainedNetwork(NamedTuple):
    """The result of a run, as prediction needs it.

    Attributes:
      config: configuration of the run.
      step: number of training steps.
      params: parameters by group.
      batch_stats: running statistics of the skips.
    """

    config: Config
    step: int
    params: Params
    batch_stats: dict

    def restrict_to(self, tasks: Sequence[str]) -> 'TrainedNetwork':
        """Returns the same trunk with the heads of `tasks` only."""
        config = dataclasses.replace(
            self.config, tasks={name: self.config.tasks[name] for name in tasks}
        )
        params = {name: self.params[name] for name in (SHARED, *tasks)}
        return self._replace(config=config, params=params)


class ExportedFile(NamedTuple):
    """The contents of a file.

    Attributes:
      config: configuration of the network.
      step: number of training steps.
      arrays: float32 arrays by name.
      card: the remaining metadata by key.
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
    package: str = '',
    quantised: bool = False,
) -> None:
    """Writes a network to `path`; creates its folder if needed.

    Args:
      trained: the network.
      path: a `.safetensors` file.
      dtype: dtype of the parameters; statistics stay float32, because float16 cannot hold their
        range.
      card: further metadata, as values for JSON.
      package: name of the weights of a package (`package_weights`) whose arrays are left out.
      quantised: whether large kernels are stored in 8 bits (`quantization`).

    Raises:
      UserError: `path` is a folder or does not end in `.safetensors`, or a parameter is too large
        for `dtype`.
    """
    arrays, card = flatten(trained.params, trained.batch_stats), dict(card or {})
    if package:
        arrays = leave_out(arrays, package)
        card[_PACKAGE] = package
    write_file(path, arrays, trained.config, trained.step, card, dtype, quantised)


def write_file(
    path: pathlib.Path,
    arrays: Mapping[str, np.ndarray],
    config: Config,
    step: int,
    card: Card,
    dtype: type[np.floating] = np.float32,
    quantised: bool = False,
) -> None:
    """Writes all or some arrays of a network with their metadata; see `save_exported`."""
    if path.suffix != SUFFIX or path.is_dir():
        raise UserError(f'--out is {path}, but must be a file whose name ends in {SUFFIX}')
    model = config.model
    preprocessing = {'channels': 'RGB', 'range': 255, 'mean': model.mean, 'std': model.std}
    metadata = {
        'step': step,
        'config': serialization.to_json(config),
        'preprocessing': preprocessing,
    }
    metadata = {key: json.dumps(value) for key, value in {**metadata, **card}.items()}
    stored = quantise(arrays) if quantised else arrays
    ordered = {
        name: np.asarray(
            _cast(name, array, dtype)
            if name.startswith(PARAMS) and not is_quantised(name, array)
            else array,
            order='C',
        )
        for name, array in stored.items()
    }
    metadata[_DIGEST] = _digest(ordered, metadata)
    # Written as bytes, because `save_file` creates files that only their owner may read.
    with new_file(path) as new:
        new.write_bytes(safetensors.numpy.save(ordered, {'format': _FORMAT, **metadata}))


def read_file(path: pathlib.Path) -> ExportedFile:
    """Reads a file that `write_file` wrote.

    Raises:
      UserError: the file is not a safetensors file, not a file of this package, or damaged.
    """
    try:
        with open_safetensors(path) as file:
            metadata = file.metadata() or {}
            if metadata.pop('format', None) != _FORMAT:
                raise UserError(
                    f'{path} is a {SUFFIX} file, but does not hold a network of this package: '
                    'create such a file with ubernet weights export, or import the weights of '
                    'another network'
                )
            arrays = {name: file.get_tensor(name) for name in file.keys()}
            _check_digest(path, arrays, metadata)
            card = {key: parse_json(value, f'{path}: {key}') for key, value in metadata.items()}
            config, step = _check(path, card.pop('config'), card.pop('step'))
            return ExportedFile(config, step, restore(arrays), card)
    except (OSError, TypeError, safetensors.SafetensorError) as error:
        raise UserError(f'{path} cannot be read as a {SUFFIX} file: {error}') from error
    except KeyError as error:
        raise UserError(f'{path}: the metadata cannot be read: {error} is missing') from error


def read_with_package(path: pathlib.Path) -> ExportedFile:
    """Reads a file as `read_file` does, and adds the arrays that a pip package has.

    Raises:
      UserError: as `read_file`; or the package is not installed.
    """
    config, step, arrays, card = read_file(path)
    if package := card.get(_PACKAGE):
        arrays = add_left_out(arrays, package, network_shapes(config))
    return ExportedFile(config, step, arrays, card)


def load_exported(path: pathlib.Path) -> TrainedNetwork:
    """Reads a complete network; parameters are float32.

    Raises:
      UserError: the file cannot be read, or does not hold the network that it describes.
    """
    config, step, arrays, _ = read_with_package(path)
    shapes = network_shapes(config)
    missing = [name for name in shapes if name not in arrays or arrays[name].shape != shapes[name]]
    if missing or len(arrays) != len(shapes):
        shown = ', '.join([*missing, *(arrays.keys() - shapes.keys())][:3])
        raise UserError(
            f'{path} does not hold the complete network that it describes: {len(missing)} of '
            f'{len(shapes)} arrays are missing or have another shape ({shown}, ...). Training can '
            'start from a part of a network: --config.model.weights=FILE'
        )
    return TrainedNetwork(config, step, *unflatten(arrays))


def _check_digest(
    path: pathlib.Path, arrays: Mapping[str, np.ndarray], metadata: dict[str, str]
) -> None:
    """Removes the digest from the metadata, and compares it; says so if there is none."""
    stored = metadata.pop(_DIGEST, None)
    if stored is None:
        note_without_digests(path)
    elif stored != _digest(arrays, metadata):
        raise UserError(
            f'{path} is damaged: its arrays or metadata have changed since it was written. '
            'Copy or download it again, or export or import the network again'
        )


def _digest(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> str:
    """16 hexadecimal digits that change with any bit of the arrays and the metadata."""
    content = json.dumps([digest_arrays(arrays), sorted(metadata.items())])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _check(path: pathlib.Path, plain: Any, step: Any) -> tuple[Config, int]:
    if type(step) is not int or step < 0:
        raise UserError(f'{path}: step is {step!r:.50}, but must be a whole number of at least 0')
    try:
        config = serialization.from_json(plain)
        validate(config)
    except UserError as error:
        raise UserError(f'{path}: {error}') from error
    return config, step


def _cast(name: str, array: np.ndarray, dtype: type[np.floating]) -> np.ndarray:
    array = np.asarray(array)
    with np.errstate(over='ignore'):
        cast = array.astype(dtype)
    if not np.array_equal(np.isfinite(cast), np.isfinite(array)):
        raise UserError(
            f'{name} has values up to {np.abs(array).max():g}, which {np.dtype(dtype).name} cannot '
            'hold: export with --dtype float32'
        )
    return cast
