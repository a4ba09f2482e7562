"""Signals to processes that train together, and deaths of them."""

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
from ubernet_jax.locks import lock_folder
from ubernet_jax.training.checkpoint import Checkpoints
from ubernet_jax.training.parallel import exiting_without_lost_processes

ENDLESS = ('--config.steps=1000000', '--config.checkpoint_every=1000000', '--config.log_every=1')
SECONDS = 120  # in which the other process must end, on a busy machine


@pytest.mark.slow
def test_a_killed_reader_process_ends_training_with_a_message(start, tmp_path):
    process = start(tmp_path, *ENDLESS, '--config.data.workers=2')
    wait_until(lambda: last_step(tmp_path) >= 2, process)
    readers = readers_of(process)
    assert len(readers) == 2
    os.kill(readers[0], signal.SIGKILL)
    (output,) = finish(process, code=2)
    assert 'reader process' in output and 'data.workers' in output
    assert 'Traceback' not in output
    wait_for_end(readers)


@pytest.mark.soak  # its short form, with a single process, is in test_end_to_end.py
def test_sigterm_to_all_processes_of_a_job_saves_and_stops(start, tmp_path):
    process = start(tmp_path, *ENDLESS, '--config.data.workers=1')
    wait_until(lambda: last_step(tmp_path) >= 2, process)
    os.killpg(process.pid, signal.SIGTERM)
    (output,) = finish(process)
    assert 'stopped and saved at step' in output
    assert Checkpoints(tmp_path).latest_step >= 2


def launch_two(start: Callable, workdir: pathlib.Path) -> list[Process]:
    """Starts two processes of a run."""
    shared = [f'--coordinator=127.0.0.1:{free_port()}', '--processes=2', *ENDLESS]
    shared += ['--config.data.micro_batches_per_step=2', '--config.checkpoint_every=5']
    return [start(workdir, *shared, f'--process={n}') for n in range(2)]


def start_two(start: Callable, workdir: pathlib.Path) -> list[Process]:
    """Starts two processes of a run, and waits until they have taken some steps."""
    before = last_step(workdir)
    processes = launch_two(start, workdir)
    wait_until(lambda: last_step(workdir) > before + 11, processes[0])
    return processes


@pytest.mark.soak
@pytest.mark.parametrize('dying', [0, 1])
def test_a_process_ends_after_the_death_of_another_and_both_stop_at_the_same_step(
    start, tmp_path, dying
):
    processes = start_two(start, tmp_path)
    processes[dying].kill()
    killed = time.monotonic()
    code = processes[1 - dying].wait(timeout=SECONDS)
    output = processes[1 - dying].output()
    print(
        f'process {1 - dying} ended after {time.monotonic() - killed:.1f} s with exit code {code}:'
        f'\n{output}'
    )
    assert code != 0
    # JAX may report it first if its coordinator, process 0, has ended.
    assert 'the same commands continue' in output or 'another task died' in output
    processes[dying].wait()
    complete = Checkpoints(tmp_path).latest_step
    assert complete >= 5  # saving step 10 waited for it
    processes = start_two(start, tmp_path)
    processes[dying].send_signal(signal.SIGTERM)
    outputs = finish(*processes)
    step = Checkpoints(tmp_path).latest_step
    assert f'starting at step {complete}\n' in outputs[0]
    assert all(f'stopped and saved at step {step} ' in output for output in outputs)


@pytest.mark.soak
def test_all_processes_of_a_run_end_if_its_workdir_is_in_use(start, tmp_path):
    with lock_folder(tmp_path, ''):
        first, second = finish(*launch_two(start, tmp_path), code=2)
    assert f'{tmp_path} is in use by process {os.getpid()} ' in first
    assert f'the first process could not lock {tmp_path}' in second
    assert list(tmp_path.iterdir()) == []


def test_a_lost_process_ends_this_process_at_once_with_a_message(monkeypatch, capsys):
    """The short form of the test above."""

    def end(code: int) -> NoReturn:
        raise SystemExit(code)

    monkeypatch.setattr(jax, 'process_count', lambda: 2)
    monkeypatch.setattr(os, '_exit', end)
    with pytest.raises(SystemExit, match='2'), exiting_without_lost_processes():
        raise jax.errors.JaxRuntimeError('Connection closed by peer\nmore details')
    message = capsys.readouterr().err
    assert '2 processes' in message and 'Connection closed by peer' in message
    assert 'checkpoint' in message and 'more details' not in message


def test_errors_of_a_single_process_are_raised():
    with pytest.raises(jax.errors.JaxRuntimeError), exiting_without_lost_processes():
        raise jax.errors.JaxRuntimeError('out of memory')
