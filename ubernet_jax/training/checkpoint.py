"""Checkpoints of a run: `WORKDIR/checkpoints/STEP`, written by Orbax in the background.

A checkpoint holds the whole state, so that a run continues bit for bit: the position in the data
is the state's step. The configuration lies beside it.
"""

import contextlib
import pathlib
import shutil
from collections.abc import Iterator
from typing import Any

import jax
import orbax.checkpoint as ocp

from ubernet_jax.config import Config, Leaks, serialization
from ubernet_jax.errors import UserError
from ubernet_jax.training.state import TrainState, abstract_state
from ubernet_jax.weights.exported import SUFFIX, TrainedNetwork, load_exported

FOLDER = 'checkpoints'
CHECKPOINT_HELP = 'a workdir, one of its checkpoints/STEP, or an exported .safetensors file'
KEPT = 3  # latest checkpoints that are not deleted
_SPARE = 2**24  # bytes left on the disk for what else a run writes

# Fields that may change between stopping and resuming: none alters what a step computes.
_FREE = {
    'name', 'steps', 'log_every', 'checkpoint_every', 'pictures_every', 'evaluate_every',
    'evaluation', 'input_size',
}  # fmt: skip
_FREE_DATA = {'directory', 'workers'}


class Checkpoints:
    """The checkpoints of one working directory."""

    def __init__(self, workdir: pathlib.Path):
        self._workdir = workdir.absolute()
        self._manager = ocp.CheckpointManager(
            self._workdir / FOLDER,
            options=ocp.CheckpointManagerOptions(max_to_keep=KEPT, create=True),
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
        """Starts writing in the background; an earlier save is waited for first.

        Raises:
          UserError: the earlier save failed, or this one, or there is too little space on the disk
            for this one; complete checkpoints stay as they are.
        """
        step = int(state.step)
        if step == self.latest_step:
            return
        self.finish()
        # Orbax on a full disk prints pages of its threads' tracebacks: do not let it come to that.
        needed = sum(leaf.nbytes for leaf in jax.tree.leaves(state)) + _SPARE
        free = shutil.disk_usage(self._workdir).free
        if free < needed:
            raise self._failure(step, f'it takes {needed:,} bytes, and {free:,} are free')
        with self._explaining_failure(step):
            self._manager.save(
                step,
                args=ocp.args.Composite(
                    state=ocp.args.StandardSave(state),
                    config=ocp.args.JsonSave(serialization.to_json(config)),
                ),
            )

    def finish(self) -> None:
        """Waits until everything is on disk. Raises as `save`."""
        with self._explaining_failure(None):
            self._manager.wait_until_finished()

    def restore(self, config: Config, step: int) -> TrainState:
        """Reads the state of a step.

        Raises:
          UserError: the checkpoint was made with another configuration (the fields are named),
            or cannot be read.
        """
        saved = self.config(step)
        lines = serialization.differences(_fixed(config), _fixed(saved))
        if lines:
            raise UserError(
                f'{self._workdir} was trained with another configuration:\n  '
                + '\n  '.join(lines)
                + '\n(now, not then). Set these fields back, or use another --workdir.'
            )
        return self.read(step, config)

    def config(self, step: int) -> Config:
        """The configuration that a step's checkpoint was made with. Raises as `restore`."""
        restored = self._restore(step, config=ocp.args.JsonRestore())
        return serialization.from_json(restored['config'], f'{self._folder(step)}: config')

    def read(self, step: int, config: Config) -> TrainState:
        """The state of a step, given the configuration that it was made with."""
        abstract = abstract_state(config)
        return self._restore(step, state=ocp.args.StandardRestore(abstract))['state']

    def _restore(self, step: int, **items: Any) -> Any:
        try:
            return self._manager.restore(step, args=ocp.args.Composite(**items))
        except Exception as error:  # Orbax raises a bare one when it cannot read an array
            raise UserError(
                f'{self._folder(step)} cannot be read as a checkpoint; remove the folder to use an '
                f'earlier one ({_first_line(error)})'
            ) from error

    def _folder(self, step: int) -> pathlib.Path:
        return self._workdir / FOLDER / str(step)

    @contextlib.contextmanager
    def _explaining_failure(self, step: int | None) -> Iterator[None]:
        try:
            yield
        except jax.errors.JaxRuntimeError:  # of a device or another process, not of the disk
            raise
        except (OSError, ValueError, RuntimeError) as error:
            raise self._failure(step, _first_line(error)) from error

    def _failure(self, step: int | None, reason: str) -> UserError:
        what = 'a checkpoint' if step is None else f'the checkpoint of step {step}'
        return UserError(
            f'{what} could not be saved in {self._workdir / FOLDER}: {reason}. '
            'Free some disk space and run the same command again; '
            f'the last complete checkpoint is that of step {self.latest_step}.'
        )


def open_checkpoint(path: pathlib.Path) -> TrainedNetwork:
    """Reads a trained network.

    Args:
      path: WORKDIR (its newest checkpoint), WORKDIR/checkpoints/STEP, or an exported file.

    Raises:
      UserError: there is no checkpoint, or it cannot be read.
    """
    if path.suffix == SUFFIX:
        return load_exported(path)
    path = path.absolute()
    single = path.parent.name == FOLDER and path.name.isdigit()
    workdir = path.parent.parent if single else path
    if not (workdir / FOLDER).is_dir():
        raise UserError(
            f'{path} holds no checkpoint: give the --workdir of a training run, '
            f'one of its {FOLDER}/STEP folders, or an exported {SUFFIX} file'
        )
    checkpoints = Checkpoints(workdir)
    step = int(path.name) if single else checkpoints.latest_step
    if step not in checkpoints.steps:
        found = ', '.join(map(str, checkpoints.steps)) or 'none'
        raise UserError(f'{path}: no such checkpoint; complete ones: {found}')
    config = checkpoints.config(step)
    state = checkpoints.read(step, config)
    return TrainedNetwork(config, step, state.params, state.batch_stats)


def results_folder(checkpoint: pathlib.Path, name: str) -> pathlib.Path:
    """Where scores of a checkpoint go: in its run's folder, or in one beside an exported file."""
    if checkpoint.suffix == SUFFIX:
        workdir = checkpoint.with_suffix('')
    else:
        workdir = checkpoint.parent.parent if checkpoint.parent.name == FOLDER else checkpoint
    return workdir / 'results' / name


def _fixed(config: Config) -> dict[str, Any]:
    plain = {k: v for k, v in serialization.to_json(config).items() if k not in _FREE}
    plain['data'] = {k: v for k, v in plain['data'].items() if k not in _FREE_DATA}
    if config.data.leaks is Leaks.LEAVE_OUT:  # what is tested on decides what is trained on
        plain['evaluation.benchmarks'] = serialization.to_json(config.evaluation.benchmarks)
    return plain


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
