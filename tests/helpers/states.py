"""The state that a run has saved."""

import pathlib

from helpers.networks import make_solver
from ubernet_jax.training.checkpoint import Checkpoints
from ubernet_jax.training.state import TrainState
from ubernet_jax.weights.trained import open_checkpoint


def newest_state(workdir: pathlib.Path) -> TrainState:
    """The whole state of the newest complete checkpoint, which must be readable."""
    config, step, _, _ = open_checkpoint(workdir)
    return Checkpoints(workdir).restore(config, step, make_solver(config))
