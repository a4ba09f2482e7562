"""Runs to disturb, and how to compare them with undisturbed ones."""

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
from helpers.states import newest_state
from ubernet_jax.config import Config
from ubernet_jax.train import train


@pytest.fixture
def config(prepared) -> Config:
    """`make_config` for a test to change."""
    return make_config(prepared)


@pytest.fixture(scope='session')
def undisturbed(prepared, tmp_path_factory) -> pathlib.Path:
    """A run to the end; not to be changed."""
    workdir = tmp_path_factory.mktemp('undisturbed')
    train(make_config(prepared), workdir)
    return workdir


@pytest.fixture(scope='session')
def three_steps(prepared, tmp_path_factory) -> pathlib.Path:
    """A run that stopped after three steps; not to be changed."""
    config = make_config(prepared)
    config.steps = 3
    workdir = tmp_path_factory.mktemp('stopped')
    train(config, workdir)
    return workdir


@pytest.fixture
def stopped(three_steps, tmp_path) -> pathlib.Path:
    """A run that stopped after three steps, to be continued."""
    return shutil.copytree(three_steps, tmp_path / 'run')


def make_config(prepared: pathlib.Path) -> Config:
    """Eight steps, each with a line of the log, every other with a checkpoint."""
    config = tiny_config.get_config()
    config.data.directory = str(prepared)
    config.steps, config.log_every, config.checkpoint_every = 8, 1, 2
    config.pictures_every = config.evaluate_every = 1000
    return config


@pytest.fixture
def start(prepared) -> Iterator[Callable[..., training.Process]]:
    """`training.start_training` on the tiny set; at the end of the test every process has ended."""
    started = []

    def start_one(*arguments, directory: pathlib.Path = prepared, **options) -> training.Process:
        started.append(training.start_training(directory, *arguments, **options))
        return started[-1]

    yield start_one
    for process in started:
        with contextlib.suppress(ProcessLookupError):  # as it should be
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def assert_same_end() -> Callable[[pathlib.Path, pathlib.Path], None]:
    """Checks that two runs ended in the same step with the same bits."""

    def check(one: pathlib.Path, other: pathlib.Path) -> None:
        ours, theirs = newest_state(one), newest_state(other)
        for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
            np.testing.assert_array_equal(a, b)

    return check
