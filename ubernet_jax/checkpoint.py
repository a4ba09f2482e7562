"""Checkpoints of a run: `WORKDIR/checkpoints/STEP`, written by Orbax in the background.

A checkpoint holds the whole state, so that a run continues bit for bit: the position in the data
is the state's step. The configuration lies beside it.
"""

import pathlib
from typing import Any

import orbax.checkpoint as ocp

from ubernet_jax import config_file
from ubernet_jax.config import Config
from ubernet_jax.errors import UserError
from ubernet_jax.state import TrainState, abstract_state

FOLDER = 'checkpoints'
KEPT = 3  # latest checkpoints that are not deleted

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

    def save(self, state: TrainState, config: Config) -> None:
        """Starts writing in the background; an earlier save is waited for first.

        Raises:
          UserError: this or the earlier save failed; complete checkpoints stay as they are.
        """
        step = int(state.step)
        if step == self.latest_step:
            return
        try:
            self._manager.save(
                step,
                args=ocp.args.Composite(
                    state=ocp.args.StandardSave(state),
                    config=ocp.args.JsonSave(config_file.to_json(config)),
                ),
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise self._failure(step, error) from error

    def finish(self) -> None:
        """Waits until everything is on disk. Raises as `save`."""
        try:
            self._manager.wait_until_finished()
        except (OSError, ValueError, RuntimeError) as error:
            raise self._failure(None, error) from error

    def restore(self, config: Config, step: int) -> TrainState:
        """Reads the state of a step.

        Raises:
          UserError: the checkpoint was made with another configuration (the fields are named),
            or cannot be read.
        """
        saved = self.config(step)
        lines = config_file.differences(_fixed(config), _fixed(saved))
        if lines:
            raise UserError(
                f'{self._workdir} was trained with another configuration:\n  '
                + '\n  '.join(lines)
                + '\n(now, not then). Set these fields back, or use another --workdir.'
            )
        return self._read(step, abstract_state(config))

    def config(self, step: int) -> Config:
        """The configuration that a step's checkpoint was made with."""
        restored = self._restore(step, config=ocp.args.JsonRestore())
        return config_file.from_json(restored['config'])

    def _read(self, step: int, abstract: TrainState) -> TrainState:
        return self._restore(step, state=ocp.args.StandardRestore(abstract))['state']

    def _restore(self, step: int, **items: Any) -> Any:
        try:
            return self._manager.restore(step, args=ocp.args.Composite(**items))
        except (OSError, ValueError, KeyError) as error:
            path = self._workdir / FOLDER / str(step)
            raise UserError(
                f'{path} cannot be read as a checkpoint ({_first_line(error)}); '
                'remove the folder to use an earlier one'
            ) from error

    def _failure(self, step: int | None, error: Exception) -> UserError:
        what = 'a checkpoint' if step is None else f'the checkpoint of step {step}'
        return UserError(
            f'{what} could not be saved in {self._workdir / FOLDER}: {_first_line(error)}. '
            'Free some disk space and run the same command again; '
            f'the last complete checkpoint is that of step {self.latest_step}.'
        )


def open_checkpoint(path: pathlib.Path) -> tuple[Config, TrainState]:
    """Reads a run's newest checkpoint, or one checkpoint.

    Args:
      path: WORKDIR, or WORKDIR/checkpoints/STEP.

    Raises:
      UserError: there is no checkpoint, or it cannot be read.
    """
    path = path.absolute()
    single = path.parent.name == FOLDER and path.name.isdigit()
    workdir = path.parent.parent if single else path
    if not (workdir / FOLDER).is_dir():
        raise UserError(
            f'{path} holds no checkpoint: give the --workdir of a training run, '
            f'or one of its {FOLDER}/STEP folders'
        )
    checkpoints = Checkpoints(workdir)
    step = int(path.name) if single else checkpoints.latest_step
    if step is None or not (workdir / FOLDER / str(step)).is_dir():
        found = sorted(int(p.name) for p in (workdir / FOLDER).iterdir() if p.name.isdigit())
        raise UserError(f'{path}: no such checkpoint; complete ones are {found or "none yet"}')
    config = checkpoints.config(step)
    return config, checkpoints._read(step, abstract_state(config))


def _fixed(config: Config) -> dict[str, Any]:
    plain = {k: v for k, v in config_file.to_json(config).items() if k not in _FREE}
    plain['data'] = {k: v for k, v in plain['data'].items() if k not in _FREE_DATA}
    return plain


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
