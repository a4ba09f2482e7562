"""Runs that tests disturb, and their comparison with undisturbed runs."""

import contextlib
import os
import pathlib
import shutil
import signal
from collections.abc import Callable, Iterator

import jax
import numpy as np
import pytest

from helpers import tiny_config, training
from helpers.networks import read_state
from helpers.shared import make_once
from ubernet_jax.config import Config
from ubernet_jax.train import train

STEPS = 24


@pytest.fixture
def config(prepared) -> Config:
    """`make_config` for a test to change."""
    return make_config(prepared)


@pytest.fixture(scope='session')
def undisturbed(prepared, tmp_path_factory) -> pathlib.Path:
    """A finished run with a single checkpoint, whose state it has; tests must not change it."""
    config = make_config(prepared)
    config.checkpoint_every = STEPS
    return make_once(tmp_path_factory, 'undisturbed', lambda workdir: train(config, workdir))


@pytest.fixture(scope='session')
def three_steps(prepared, tmp_path_factory) -> pathlib.Path:
    """A run of three steps; tests must not change it."""
    config = make_config(prepared)
    config.steps = 3
    return make_once(tmp_path_factory, 'three_steps', lambda workdir: train(config, workdir))


@pytest.fixture
def stopped(three_steps, tmp_path) -> pathlib.Path:
    """A run that stopped after three steps, for a test to continue."""
    return shutil.copytree(three_steps, tmp_path / 'run')


def make_config(prepared: pathlib.Path) -> Config:
    """Logs every step, and saves a checkpoint every second step."""
    config = tiny_config.get_config()
    config.data.directory = str(prepared)
    config.steps, config.log_every, config.checkpoint_every = STEPS, 1, 2
    config.pictures_every = config.evaluate_every = 1000
    return config


@pytest.fixture
def start(prepared) -> Iterator[Callable[..., training.Process]]:
    """`training.start_training` on the tiny dataset; ends every process after the test."""
    processes = []

    def start_training(
        *arguments, directory: pathlib.Path = prepared, **options
    ) -> training.Process:
        processes.append(training.start_training(directory, *arguments, **options))
        return processes[-1]

    yield start_training
    for process in processes:
        with contextlib.suppress(ProcessLookupError):  # the process has ended
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def assert_same_end() -> Callable[[pathlib.Path, pathlib.Path], None]:
    """Checks that two runs ended in the same step with the same bits."""

    def check(actual: pathlib.Path, wanted: pathlib.Path) -> None:
        jax.tree.map(np.testing.assert_array_equal, read_state(actual), read_state(wanted))

    return check
