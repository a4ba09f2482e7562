"""Signals to, and deaths of, processes that train together; each end is quick and says why."""

import os
import pathlib
import signal
import time
from collections.abc import Callable
from typing import NoReturn

import jax
import pytest

from helpers.moments import last_step, readers_of, wait_for_end, wait_until
from helpers.training import Process, finish, free_port
from ubernet_jax.train import leaving_lost_processes
from ubernet_jax.training.checkpoint import Checkpoints

ENDLESS = ('--config.steps=1000000', '--config.checkpoint_every=1000000', '--config.log_every=1')
SECONDS = 120  # in which the other must end, on a busy machine


def test_a_reader_that_dies_ends_training_with_a_message(start, tmp_path):
    process = start(tmp_path, *ENDLESS, '--config.data.workers=2')
    wait_until(lambda: last_step(tmp_path) >= 2, process)
    readers = readers_of(process)
    assert len(readers) == 2
    os.kill(readers[0], signal.SIGKILL)
    (output,) = finish(process, code=2)
    assert 'a reader process was killed' in output and 'Traceback' not in output
    wait_for_end(readers)


@pytest.mark.soak  # its short form, to one process, is in test_end_to_end.py
def test_sigterm_to_all_processes_of_a_job_saves_and_stops(start, tmp_path):
    process = start(tmp_path, *ENDLESS, '--config.data.workers=1')
    wait_until(lambda: last_step(tmp_path) >= 2, process)
    os.killpg(process.pid, signal.SIGTERM)
    (output,) = finish(process)
    assert 'stopped and saved at step' in output
    assert Checkpoints(tmp_path).latest_step >= 2


def start_both(start: Callable, workdir: pathlib.Path) -> list[Process]:
    """Two processes of one run, once they have taken some steps."""
    shared = [f'--coordinator=127.0.0.1:{free_port()}', '--processes=2', *ENDLESS]
    shared += ['--config.data.micro_batches_per_step=2', '--config.checkpoint_every=5']
    before = last_step(workdir)
    both = [start(workdir, *shared, f'--process={n}') for n in range(2)]
    wait_until(lambda: last_step(workdir) > before + 11, both[0])
    return both


@pytest.mark.soak
@pytest.mark.parametrize('dying', [0, 1])
def test_of_two_one_does_not_wait_for_a_dead_one_and_both_stop_at_one_step(start, tmp_path, dying):
    both = start_both(start, tmp_path)
    both[dying].kill()
    killed = time.monotonic()
    code = both[1 - dying].wait(timeout=SECONDS)
    output = both[1 - dying].output()
    print(
        f'the other ended after {time.monotonic() - killed:.1f} s with exit code {code}:\n{output}'
    )
    assert code != 0
    # JAX may be quicker where its coordinator, process 0, is gone.
    assert 'the same commands continue' in output or 'another task died' in output
    both[dying].wait()
    complete = Checkpoints(tmp_path).latest_step
    assert complete >= 5  # the one of step 10 waited for it
    both = start_both(start, tmp_path)
    both[dying].send_signal(signal.SIGTERM)
    outputs = finish(*both)
    step = Checkpoints(tmp_path).latest_step
    assert f'starting at step {complete}\n' in outputs[0]
    assert all(f'stopped and saved at step {step} ' in output for output in outputs)


def test_a_process_that_lost_another_ends_at_once_with_a_message(monkeypatch, capsys):
    """The short form of the test above."""

    def end(code: int) -> NoReturn:
        raise SystemExit(code)

    monkeypatch.setattr(jax, 'process_count', lambda: 2)
    monkeypatch.setattr(os, '_exit', end)
    with pytest.raises(SystemExit, match='2'), leaving_lost_processes():
        raise jax.errors.JaxRuntimeError('Connection closed by peer\nmore')
    said = capsys.readouterr().err
    assert 'the 2 processes cannot go on (Connection closed by peer)' in said
    assert 'the same commands continue from the last checkpoint' in said


def test_a_lone_process_has_lost_none():
    with pytest.raises(jax.errors.JaxRuntimeError), leaving_lost_processes():
        raise jax.errors.JaxRuntimeError('out of memory')
