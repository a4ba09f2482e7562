"""Locks that keep two commands from writing to the same folder or file at once.

The system releases a lock when its process ends, however it ends. Such a lock is an `flock` of a
file that exists as long as the lock is held, and that says by whom.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import shlex
import socket
import sys
import textwrap
import time
from collections.abc import Iterator

from ubernet_jax.errors import UserError
from ubernet_jax.writing import make_folder, removing_new_empty_folders


@contextlib.contextmanager
def lock_folder(folder: pathlib.Path, advice: str) -> Iterator[None]:
    """Holds the lock of a folder that a command writes to, which is created if needed.

    Args:
      folder: the folder; the file of the lock is `.lock` in it.
      advice: what to do if another process holds the lock, for the message.

    Raises:
      UserError: another process holds the lock; the message says which. Or the folder is a file.
      OSError: the folder cannot be written to.
    """
    with _locked(folder / '.lock', folder, advice):
        yield


@contextlib.contextmanager
def lock_file(path: pathlib.Path, advice: str) -> Iterator[None]:
    """Holds the lock of a file that a command writes: `.NAME.lock` beside it. See `lock_folder`.

    What is not a file, such as /dev/stdout, is not locked.
    """
    if path.exists() and not path.is_file():
        yield
    else:
        with _locked(path.with_name(f'.{path.name}.lock'), path, advice):
            yield


def try_lock(descriptor: int, operation: int) -> bool | None:
    """Locks an open file or folder without waiting.

    Args:
      descriptor: of the file or folder.
      operation: `fcntl.LOCK_SH` or `fcntl.LOCK_EX`.

    Returns:
      Whether it is locked now; None if its file system has no locks.
    """
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def is_at(descriptor: int, path: pathlib.Path) -> bool:
    """Whether an open file or folder still has this path: not if it was removed or replaced."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _locked(lock: pathlib.Path, target: pathlib.Path, advice: str) -> Iterator[None]:
    with removing_new_empty_folders(lock.parent):
        descriptor = _acquire(lock, target, advice)
        try:
            with contextlib.suppress(OSError):  # on a full disk, the lock holds nevertheless
                os.truncate(descriptor, 0)
                os.pwrite(descriptor, json.dumps(_this_process()).encode(), 0)
            yield
        finally:
            if is_at(descriptor, lock):
                lock.unlink()  # before the release, so that no other process can hold it
            os.close(descriptor)


def _acquire(lock: pathlib.Path, target: pathlib.Path, advice: str) -> int:
    """Opens and locks the file; returns its descriptor."""
    while True:
        make_folder(lock.parent)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        locked = try_lock(descriptor, fcntl.LOCK_EX)
        if locked is False:
            holder = os.pread(descriptor, 10_000, 0)
            os.close(descriptor)
            raise UserError(f'{target} is in use by {_describe(holder)}; {advice}')
        if locked is None:
            print(
                f'{target} is on a file system without locks: make sure that no other command '
                'writes to it at the same time',
                file=sys.stderr,
            )
        if is_at(descriptor, lock):
            return descriptor
        os.close(descriptor)  # its holder removed it between `open` and `flock`


def _this_process() -> dict[str, str | int]:
    return {
        'pid': os.getpid(),
        'host': socket.gethostname(),
        'since': time.strftime('%Y-%m-%d %H:%M:%S'),
        'command': shlex.join(sys.orig_argv),
    }


def _describe(holder: bytes) -> str:
    try:
        facts = json.loads(holder)
        command = textwrap.shorten(facts['command'], 300, placeholder=' ...')
        return f'process {facts["pid"]} on {facts["host"]} since {facts["since"]} ({command})'
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ):  # the process has just locked the file
        return 'another process'
