"""Checkpoints of a run: `WORKDIR/checkpoints/STEP`, written by Orbax in the background.

A checkpoint holds the complete state, so that a resumed run is bitwise the same: the position in
the data is the step of the state. The configuration is stored with it.
"""

import contextlib
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import jax
import optax
import orbax.checkpoint as ocp

from ubernet_jax.config import Config, Leaks, serialization
from ubernet_jax.errors import UserError
from ubernet_jax.training.state import TrainState, abstract_state
from ubernet_jax.weights.checkpoint_lock import LatestAndRead
from ubernet_jax.weights.trained import FOLDER, first_line, restore_config, restore_items

KEPT = 3  # latest checkpoints that are not deleted; others are, once nothing reads them
_SPARE = 2**24  # bytes left on the disk for the other files of a run

# Fields that may change between stopping and resuming: they do not alter what a step computes,
# except that learning rates may depend on the length of the run.
_FREE = {
    'name', 'steps', 'epochs', 'images', 'log_every', 'checkpoint_every', 'pictures_every',
    'evaluate_every', 'evaluation', 'input_size',
}  # fmt: skip
_FREE_DATA = {'directory', 'workers'}


class Checkpoints:
    """The checkpoints of one working directory."""

    def __init__(self, workdir: pathlib.Path):
        self._workdir = workdir.absolute()
        self._manager = ocp.CheckpointManager(
            self._workdir / FOLDER,
            options=ocp.CheckpointManagerOptions(
                preservation_policy=LatestAndRead(self._workdir / FOLDER, KEPT), create=True
            ),
        )

    @property
    def latest_step(self) -> int | None:
        """Step of the newest complete checkpoint; None if there is none."""
        return self._manager.latest_step()

    @property
    def steps(self) -> list[int]:
        """Steps of all complete checkpoints."""
        return sorted(self._manager.all_steps())

    def save(self, state: TrainState, config: Config) -> None:
        """Waits for the previous save, then starts writing in the background.

        Raises:
          UserError: the previous save or this save failed, or the disk has too little space;
            complete checkpoints stay as they are.
        """
        step = int(state.step)
        if step == self.latest_step:
            return
        self.finish()
        # On a full disk, Orbax prints pages of tracebacks of its threads: check before.
        needed = sum(leaf.nbytes for leaf in jax.tree.leaves(state)) + _SPARE
        free = shutil.disk_usage(self._workdir).free
        if free < needed:
            raise self._failure(step, f'it takes {needed:,} bytes, and {free:,} are free')
        with self._explaining_failure(step):
            self._manager.save(
                step,
                args=ocp.args.Composite(
                    **{name: ocp.args.StandardSave(item) for name, item in _items(state).items()},
                    config=ocp.args.JsonSave(serialization.to_json(config)),
                ),
            )

    def finish(self) -> None:
        """Waits until everything is on disk. Raises like `save`."""
        with self._explaining_failure(None):
            self._manager.wait_until_finished()

    def restore(
        self, config: Config, step: int, optimizer: optax.GradientTransformationExtraArgs
    ) -> TrainState:
        """Reads the state of a step.

        Raises:
          UserError: the checkpoint was made with another configuration (the fields are named),
            or cannot be read.
        """
        saved = restore_config(self._manager, step)
        lines = serialization.differences(_fixed(config), _fixed(saved))
        if lines:
            raise UserError(
                f'{self._workdir} was trained with another configuration:\n  '
                + '\n  '.join(lines)
                + '\n(now, not then). Set these fields back, or use another --workdir.'
            )
        if config.steps != saved.steps:
            print(
                f'the length of the run changes from {saved.steps} to {config.steps} steps: from '
                'here on, learning rates and loss weights (`loss.graduated`) follow the new length',
                flush=True,
            )
        items = _items(abstract_state(config, optimizer))
        restored = restore_items(self._manager, step, **items)
        return TrainState(**restored['network'], **restored['solver'])

    @contextlib.contextmanager
    def _explaining_failure(self, step: int | None) -> Iterator[None]:
        try:
            yield
        except jax.errors.JaxRuntimeError:  # from a device or another process, not from the disk
            raise
        except (OSError, ValueError, RuntimeError) as error:
            raise self._failure(step, first_line(error)) from error

    def _failure(self, step: int | None, reason: str) -> UserError:
        what = 'a checkpoint' if step is None else f'the checkpoint of step {step}'
        return UserError(
            f'{what} could not be saved in {self._workdir / FOLDER}: {reason}. '
            'Free some disk space and run the same command again; '
            f'the last complete checkpoint is the one of step {self.latest_step}.'
        )


def _items(state: TrainState) -> dict[str, dict[str, Any]]:
    """The state as the items of a checkpoint: see `weights.trained`."""
    return {
        'network': {'params': state.params, 'batch_stats': state.batch_stats},
        'solver': {'step': state.step, 'groups': state.groups, 'rng': state.rng},
    }


def _fixed(config: Config) -> dict[str, Any]:
    plain = {k: v for k, v in serialization.to_json(config).items() if k not in _FREE}
    plain['data'] = {k: v for k, v in plain['data'].items() if k not in _FREE_DATA}
    if config.data.leaks is Leaks.LEAVE_OUT:  # the benchmarks then decide what is trained on
        plain['evaluation.benchmarks'] = serialization.to_json(config.evaluation.benchmarks)
    return plain
