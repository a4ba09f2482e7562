"""Reads the state of the solver from a checkpoint, also from one with more arrays.

Earlier versions saved gradient sums and averages of frozen blocks too, and the states of the
optimizers a level deeper (`inner_state`).
"""

from typing import Any

import jax
import orbax.checkpoint as ocp

from ubernet_jax.weights.checkpoint_digests import DamagedError
from ubernet_jax.weights.trained import on_first_device, restore_items

SOLVER = 'solver'  # the item of a checkpoint
_WRAPPER = '/inner_state'


def restore_solver(manager: ocp.CheckpointManager, step: int, abstract: Any) -> Any:
    """Reads the arrays of the solver.

    Args:
      manager: of the checkpoints.
      step: of a complete checkpoint.
      abstract: shapes and dtypes of the arrays to read.

    Raises:
      DamagedError: the checkpoint cannot be read, or lacks one of the arrays.
    """
    folder = manager.directory / str(step) / SOLVER
    stored = ocp.StandardCheckpointHandler().metadata(folder).tree
    arrays = restore_items(manager, step, **{SOLVER: on_first_device(stored)})[SOLVER]
    by_name = {_name(path): x for path, x in jax.tree_util.tree_leaves_with_path(arrays)}

    def find(path: tuple, wanted: jax.ShapeDtypeStruct) -> jax.Array:
        name = _name(path)
        if name not in by_name:
            raise DamagedError(f'{folder} lacks the array {name}')
        return by_name[name].astype(wanted.dtype)

    return jax.tree_util.tree_map_with_path(find, abstract)


def _name(path: tuple) -> str:
    return jax.tree_util.keystr(path, simple=True, separator='/').replace(_WRAPPER, '')
