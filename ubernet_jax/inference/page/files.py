"""The folder of the web page: files of visitors are deleted by age and by size.

A server that is killed deletes nothing, so the next server deletes its folder.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Set

KEPT = 3600  # seconds
MAX_TOTAL = 1_000_000_000  # bytes; more may arrive during an interval
INTERVAL = 1  # seconds between deletions
_PREFIX = 'ubernet_jax-'
_LEAST = 100_000  # a file counts as at least that many bytes, so that their number is limited too
_UNUSED = 60  # seconds; a younger empty folder may be about to receive a file


@contextlib.contextmanager
def server_folder() -> Iterator[pathlib.Path]:
    """Makes a temporary folder for a server; deletes it at the end.

    Deletes the folders of servers that were killed. A server holds a lock on its folder, which the
    operating system releases when the process ends.
    """
    root = pathlib.Path(tempfile.gettempdir())
    for other in root.glob(f'{_PREFIX}*'):
        with contextlib.suppress(OSError), _locked(other):  # locked, or of another user
            shutil.rmtree(other, ignore_errors=True)
    # Gets its final name once it is locked: another server that starts must not delete it.
    folder = pathlib.Path(tempfile.mkdtemp(prefix='new-'))
    with _locked(folder):
        folder = folder.rename(root / f'{_PREFIX}{folder.name.removeprefix("new-")}')
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: pathlib.Path) -> Iterator[None]:
    """Locks a folder; raises BlockingIOError if another process holds the lock."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def deleting(folder: pathlib.Path) -> Iterator[None]:
    """Deletes old files of `folder` in another thread, except those that exist at the start."""
    permanent = frozenset(folder.rglob('*'))
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(INTERVAL):
            delete_old(folder, permanent)

    thread = threading.Thread(target=repeat, name='deletes files of visitors')
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def delete_old(folder: pathlib.Path, permanent: Set[pathlib.Path] = frozenset()) -> None:
    """Deletes files older than `KEPT`; then others, until at most `MAX_TOTAL` bytes remain.

    Deletes the files with the largest product of size and age first: a photograph whose visitor
    still waits must outlast large files that others upload meanwhile.

    Args:
      folder: all files in it count, also those in its folders. Empty folders are deleted too.
      permanent: files and folders that are not deleted and do not count.
    """
    now, files = time.time(), []
    for root, _, names in os.walk(folder, topdown=False):  # passes over folders that vanish
        for path in {pathlib.Path(root, name) for name in names} - permanent:
            with contextlib.suppress(FileNotFoundError):
                status = path.lstat()
                files.append((status.st_mtime, max(status.st_size, _LEAST), path))
        if pathlib.Path(root) not in permanent | {folder}:
            with contextlib.suppress(OSError):  # it is not empty, or has vanished
                if now - os.stat(root).st_mtime > _UNUSED:
                    os.rmdir(root)
    total = 0
    for modified, size, path in sorted(files, key=lambda file: (now - file[0]) * file[1]):
        total += size
        if total > MAX_TOTAL or now - modified > KEPT:
            path.unlink(missing_ok=True)
