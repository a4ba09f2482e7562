"""Locks: a second command is refused and told who is first; the system releases them."""

import contextlib
import errno
import fcntl
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from helpers.paths import ROOT
from ubernet_jax.errors import UserError
from ubernet_jax.locks import lock_file, lock_folder

HOLD = """
import pathlib, sys
from ubernet_jax.locks import lock_folder
with lock_folder(pathlib.Path(sys.argv[1]), 'wait'):
    print('locked', flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock of a folder until its input ends."""
    words = [sys.executable, '-c', HOLD, str(tmp_path / 'run')]
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == 'locked\n'
        yield process
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


def test_a_second_process_is_refused_and_told_who_is_first(holder, tmp_path):
    with pytest.raises(UserError, match='give another --workdir') as error:
        with lock_folder(tmp_path / 'run', 'give another --workdir'):
            pass
    message = str(error.value)
    assert (
        str(tmp_path / 'run') in message
        and f'process {holder.pid} on {os.uname().nodename}' in message
    )
    assert sys.executable in message and 'since 20' in message


def test_the_lock_of_a_process_that_ends_is_released_and_its_file_removed(holder, tmp_path):
    holder.stdin.close()
    holder.wait()
    assert list((tmp_path / 'run').iterdir()) == []
    with lock_folder(tmp_path / 'run', ''):
        pass


def test_the_lock_of_a_killed_process_is_released(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / 'run' / '.lock').exists()
    with lock_folder(tmp_path / 'run', ''):
        with pytest.raises(UserError, match=f'process {os.getpid()} '):
            with lock_folder(tmp_path / 'run', ''):
                pass
    assert list((tmp_path / 'run').iterdir()) == []


def test_a_lock_that_was_removed_before_it_was_taken_is_taken_again(tmp_path, monkeypatch):
    flock, lock = fcntl.flock, tmp_path / '.lock'
    calls = []

    def remove_first(descriptor: int, operation: int) -> None:
        """As the process that held the lock does when it ends, between `open` and `flock`."""
        calls.append(descriptor)
        if len(calls) == 1:
            lock.unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, 'flock', remove_first)
    with lock_folder(tmp_path, ''):
        assert lock.exists()
        with pytest.raises(UserError), lock_folder(tmp_path, ''):
            pass
    assert len(calls) == 3


def test_files_are_locked_separately(tmp_path):
    path = tmp_path / 'a.json'
    with lock_file(path, ''), lock_file(tmp_path / 'b.json', ''):
        with pytest.raises(UserError, match='a.json'), lock_file(path, ''):
            pass
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_no_new_folder_but_the_folders_of_the_user(tmp_path):
    (tmp_path / 'old').mkdir()
    for folder in (tmp_path / 'old', tmp_path / 'new' / 'run'):
        with pytest.raises(ValueError, match='fails'), lock_folder(folder, ''):
            raise ValueError('fails')
    assert [path.name for path in tmp_path.iterdir()] == ['old']


def test_devices_are_not_locked():
    with lock_file(pathlib.Path('/dev/null'), ''), lock_file(pathlib.Path('/dev/null'), ''):
        pass
    assert not pathlib.Path('/dev/.null.lock').exists()


def test_a_file_system_without_locks_is_reported(tmp_path, monkeypatch, capsys):
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, 'flock', refuse)
    with lock_folder(tmp_path, ''):
        pass
    assert f'{tmp_path} is on a file system without locks' in capsys.readouterr().err
