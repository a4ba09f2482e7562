"""Opens a trained network from a checkpoint of a run or from an exported file.

A checkpoint is a folder `WORKDIR/checkpoints/STEP` with the items `network` (parameters and
statistics) and `config`, and `solver` and `data`, which only training reads.
"""

import pathlib
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import orbax.checkpoint as ocp

from ubernet_jax.config import Config, serialization
from ubernet_jax.errors import UserError
from ubernet_jax.process_limits import find_shortage
from ubernet_jax.weights.arrays import abstract_variables
from ubernet_jax.weights.checkpoint_digests import DamagedError, check_digests
from ubernet_jax.weights.checkpoint_lock import reading
from ubernet_jax.weights.exported import SUFFIX, TrainedNetwork, load_exported
from ubernet_jax.weights.sources import find_source, results_base

Restored = TypeVar('Restored')

FOLDER = 'checkpoints'
CHECKPOINT_HELP = (
    'a workdir, a checkpoints/STEP folder in it, an exported .safetensors file, hf://OWNER/NAME, '
    'or reference, the network of the package'
)


def open_checkpoint(path: pathlib.Path) -> TrainedNetwork:
    """Reads a trained network.

    Args:
      path: WORKDIR (for its newest checkpoint), WORKDIR/checkpoints/STEP, an exported file, a name
        in the hub, or `reference`.

    Raises:
      UserError: there is no checkpoint, or it is damaged or cannot be fetched.
    """
    path = find_source(path)
    return load_exported(path) if path.suffix == SUFFIX else _read(path, _restore_network)


def read_training_data(path: pathlib.Path) -> list[dict[str, Any]] | None:
    """Reads the lists of the images that a network was trained on: the item `data`.

    None for exported files and checkpoints that do not have them. Raises as `open_checkpoint`.
    """
    path = find_source(path)
    return None if path.suffix == SUFFIX else _read(path, _restore_data)


def _read(
    path: pathlib.Path, restore: Callable[[ocp.CheckpointManager, int], Restored]
) -> Restored:
    """Reads from a checkpoint, which is not removed meanwhile."""
    path = path.absolute()
    single = path.parent.name == FOLDER and path.name.isdigit()
    folder = path.parent if single else path / FOLDER
    if not folder.is_dir():
        raise UserError(
            f'{path} holds no checkpoint: give the --workdir of a training run, a '
            f'{FOLDER}/STEP folder in it, or an exported {SUFFIX} file'
        )
    options = ocp.CheckpointManagerOptions(create=False)
    removed = None
    while True:
        with ocp.CheckpointManager(folder, options=options) as manager:
            step = int(path.name) if single else manager.latest_step()
            complete = sorted(manager.all_steps())
            with reading(folder / str(step)) as present:
                if present and step in complete:
                    return restore(manager, step)
        if single or step == removed:
            shown = ', '.join(map(str, complete)) or 'none'
            raise UserError(f'{path}: no such checkpoint; complete checkpoints: {shown}')
        removed = step  # by a training, which has newer checkpoints now


def _restore_data(manager: ocp.CheckpointManager, step: int) -> list[dict[str, Any]] | None:
    folder = pathlib.Path(manager.directory, str(step))
    if not (folder / 'data').exists():
        return None
    check_digests(folder, ('data',))
    return restore_json(manager, step, 'data')['train']


def _restore_network(manager: ocp.CheckpointManager, step: int) -> TrainedNetwork:
    folder = pathlib.Path(manager.directory)
    try:
        check_digests(folder / str(step), ('config', 'network'))
        config = restore_config(manager, step)
        network = restore_items(manager, step, network=abstract_network(config))['network']
    except DamagedError as error:
        others = ', '.join(str(other) for other in sorted(manager.all_steps()) if other != step)
        raise UserError(
            f'{error}. Name a checkpoint of another step, {folder / "STEP"}: {others or "none"}'
        ) from error
    return TrainedNetwork(config, step, network['params'], network['batch_stats'])


def abstract_network(config: Config) -> dict[str, Any]:
    """Returns shapes and dtypes of the item `network` of a checkpoint, on the first device."""
    params, batch_stats = abstract_variables(config)
    return on_first_device({'params': params, 'batch_stats': batch_stats})


def on_first_device(tree: Any) -> Any:
    """Returns the abstract arrays, placed on the first device of this process."""
    first = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=first), tree)


def restore_config(manager: ocp.CheckpointManager, step: int) -> Config:
    """Reads the configuration from the checkpoint of a step.

    Raises:
      DamagedError: it cannot be read.
      UserError: it has a kind of task that is not known.
    """
    plain = restore_json(manager, step, 'config')
    return serialization.from_json(plain, f'{manager.directory / str(step)}: config')


def restore_json(manager: ocp.CheckpointManager, step: int, item: str) -> Any:
    """Reads an item of a step's checkpoint that is JSON. Raises a DamagedError."""
    return _restore(manager, step, **{item: ocp.args.JsonRestore()})[item]


def restore_items(manager: ocp.CheckpointManager, step: int, **abstract: Any) -> Any:
    """Reads items of a step's checkpoint by their abstract trees. Raises a DamagedError."""
    items = {name: ocp.args.StandardRestore(tree) for name, tree in abstract.items()}
    return _restore(manager, step, **items)


def _restore(manager: ocp.CheckpointManager, step: int, **items: Any) -> Any:
    try:
        return manager.restore(step, args=ocp.args.Composite(**items))
    except Exception as error:  # Orbax raises a plain Exception when it cannot read an array
        kind, advice = DamagedError, ''
        if shortage := find_shortage(error):
            kind, advice = UserError, f'; {shortage}'
        raise kind(
            f'{manager.directory / str(step)} cannot be read as a checkpoint '
            f'({first_line(error)}){advice}'
        ) from error


def first_line(error: Exception) -> str:
    """Returns the first line of the error's message, or its type if it has no message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def results_folder(checkpoint: pathlib.Path, name: str) -> pathlib.Path:
    """Returns the folder for scores: in the workdir of a checkpoint, or beside an exported file.

    Those of a network in the hub go to a folder with the name of its repository.
    """
    checkpoint = results_base(checkpoint)
    if checkpoint.suffix == SUFFIX:
        workdir = checkpoint.with_suffix('')
    else:
        workdir = checkpoint.parent.parent if checkpoint.parent.name == FOLDER else checkpoint
    return workdir / 'results' / name
