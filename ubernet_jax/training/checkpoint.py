"""Checkpoints of a run: `WORKDIR/checkpoints/STEP`, written by Orbax in the background.

A checkpoint holds the complete state, so that a resumed run is bitwise the same: the position in
the data is the step of the state. The configuration and the lists of the training data are stored
with it.
"""

import contextlib
import pathlib
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import optax
import orbax.checkpoint as ocp

from ubernet_jax.config import Config, serialization
from ubernet_jax.errors import UserError
from ubernet_jax.training.data_description import Description
from ubernet_jax.training.distillation import join_adaptors, split_adaptors
from ubernet_jax.training.resuming import check_config, check_data
from ubernet_jax.training.solver_reading import SOLVER, restore_solver
from ubernet_jax.training.state import TrainState, abstract_state
from ubernet_jax.weights.checkpoint_digests import DamagedError, check_digests, write_digests
from ubernet_jax.weights.checkpoint_lock import LatestAndRead
from ubernet_jax.weights.trained import (
    FOLDER,
    first_line,
    restore_config,
    restore_items,
    restore_json,
)

KEPT = 3  # latest checkpoints that are not deleted; others are, once nothing reads them
_INCOMPLETE = ocp.path.step.TMP_DIR_SUFFIX  # of the name of a folder until it is complete
_SPARE = 2**24  # bytes left on the disk for the other files of a run
_START_AGAIN = 'Train again from the start, in another --workdir.'


class Checkpoints:
    """The checkpoints of one working directory."""

    def __init__(self, workdir: pathlib.Path, data: Sequence[Description] | None = None):
        """Opens the folder, or creates it.

        Args:
          workdir: folder of the run.
          data: the training sets (`describe_sets`), to save and to compare; None to do neither.
        """
        self._workdir, self._data = workdir.absolute(), data
        self._saving = 0  # step of the newest save
        self._manager = ocp.CheckpointManager(
            self._workdir / FOLDER,
            options=ocp.CheckpointManagerOptions(
                preservation_policy=LatestAndRead(self._workdir / FOLDER, KEPT),
                create=True,
                async_options=ocp.AsyncOptions(post_finalization_callback=self._write_digests),
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

    def remove_incomplete(self) -> None:
        """Removes what processes left that ended while they saved; no process may be saving."""
        if jax.process_index() == 0:
            for folder in (self._workdir / FOLDER).glob(f'*{_INCOMPLETE}'):
                shutil.rmtree(folder, ignore_errors=True)

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
        self._saving = step
        arrays = {name: ocp.args.StandardSave(item) for name, item in _items(state).items()}
        texts = {'config': ocp.args.JsonSave(serialization.to_json(config))}
        if self._data is not None:
            texts['data'] = ocp.args.JsonSave({'train': self._data})
        with self._explaining_failure(step):
            self._manager.save(step, args=ocp.args.Composite(**arrays, **texts))

    def finish(self) -> None:
        """Waits until everything is on disk. Raises like `save`."""
        with self._explaining_failure(None):
            self._manager.wait_until_finished()

    def restore_newest(
        self,
        config: Config,
        optimizer: optax.GradientTransformationExtraArgs,
        skip_damaged: bool = False,
        allow_changed_data: bool = False,
    ) -> TrainState | None:
        """Reads the state of the newest checkpoint; None if there is none.

        Args:
          config: configuration of the run.
          optimizer: its solver.
          skip_damaged: whether to go back to the newest checkpoint that is not damaged; those after
            it are deleted.
          allow_changed_data: see `restore`.

        Raises:
          UserError: as `restore`; or every checkpoint is damaged.
        """
        damaged = []
        for step in reversed(self.steps):
            try:
                state = self.restore(config, step, optimizer, allow_changed_data)
            except DamagedError as error:
                damaged.append(step)
                if not skip_damaged:
                    raise UserError(f'{error}. {self._advice(step)}') from error
                print(f'{error}: skipped', flush=True)
            else:
                for later in damaged:
                    print(f'deleting the damaged checkpoint of step {later}', flush=True)
                    self._manager.delete(later)
                return state
        if damaged:
            raise UserError(f'{self._workdir / FOLDER}: no checkpoint can be read. {_START_AGAIN}')
        return None

    def restore(
        self,
        config: Config,
        step: int,
        optimizer: optax.GradientTransformationExtraArgs,
        allow_changed_data: bool = False,
    ) -> TrainState:
        """Reads the state of a step.

        Args:
          config: configuration of the run.
          step: of a complete checkpoint.
          optimizer: the solver of the run.
          allow_changed_data: whether the training data may differ from those of the checkpoint.

        Raises:
          DamagedError: the checkpoint is damaged.
          UserError: the checkpoint was made with another configuration or on other data (what
            differs is named).
        """
        folder = self._workdir / FOLDER / str(step)
        check_digests(folder)
        saved = restore_config(self._manager, step)
        check_config(config, saved, self._workdir)
        if self._data is not None and (folder / 'data').exists():  # not in versions before 0.2
            data = restore_json(self._manager, step, 'data')['train']
            check_data(self._data, data, self._workdir, allow_changed_data)
        items = _items(abstract_state(config, optimizer))
        network = restore_items(self._manager, step, network=items['network'])['network']
        solver = restore_solver(self._manager, step, items[SOLVER])
        return _state(network, solver)

    def _advice(self, step: int) -> str:
        """What to do if the checkpoint of a step is damaged."""
        earlier = [kept for kept in self.steps if kept < step]
        if not earlier:
            return f'There is no checkpoint before it. {_START_AGAIN}'
        return (
            'With --skip_damaged_checkpoints the same command deletes it and continues from the '
            f'checkpoint of step {earlier[-1]}.'
        )

    def _write_digests(self) -> None:
        """Runs in the background, in the first process, before a checkpoint gets its final name."""
        write_digests(self._workdir / FOLDER / f'{self._saving}{_INCOMPLETE}')

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
    """The state as the items of a checkpoint: see `weights.trained`.

    The item `network` is what the network predicts with; the item `solver` also has the adaptors.
    """
    params, adaptors = split_adaptors(state.params)
    network = {'params': params, 'batch_stats': state.batch_stats}
    solver = {'step': state.step, 'groups': state.groups, 'rng': state.rng}
    if adaptors:
        solver['adaptors'] = adaptors
    return {'network': network, SOLVER: solver}


def _state(network: dict[str, Any], solver: dict[str, Any]) -> TrainState:
    """The inverse of `_items`."""
    params = join_adaptors(network['params'], solver.pop('adaptors', {}))
    return TrainState(params=params, batch_stats=network['batch_stats'], **solver)
