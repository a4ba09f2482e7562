"""A training of a given length: processes end in time, and the speed is read from the log."""

import time

import pytest

from benchmarks.timed_training import read_speed, run
from ubernet_jax.errors import UserError


def test_a_command_ends_by_itself(tmp_path):
    assert run(['--version'], tmp_path / 'log', 60) == 0
    assert (tmp_path / 'log').read_text().startswith('ubernet')


def test_a_command_is_stopped_when_the_time_is_over(tmp_path):
    start = time.monotonic()
    command = ['prepare', 'synthetic', '--directory', str(tmp_path / 'prepared')]
    assert run(command, tmp_path / 'log', 1) is None
    assert time.monotonic() - start < 30


def test_the_speed_of_the_last_interval():
    log = 'step 2: a 0.1 images_per_second 0.5\nstep 4: a 0.1 images_per_second 1.3e+02\n'
    assert read_speed(log) == 130


def test_a_training_without_a_step_is_shown():
    with pytest.raises(UserError, match='out of memory'):
        read_speed('starting at step 0\nout of memory')
