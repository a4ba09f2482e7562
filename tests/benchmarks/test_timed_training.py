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


def test_the_speed_of_the_last_interval(tmp_path):
    log = tmp_path / 'log.jsonl'
    log.write_text('{"images_per_second": 0.5}\n{"images_per_second": 130.0}\n{"score/x": 0.1}\n')
    assert read_speed(log) == 130


def test_a_training_without_a_step_is_refused(tmp_path):
    with pytest.raises(UserError, match=r'probe\.log'):
        read_speed(tmp_path / 'probe' / 'log.jsonl')
