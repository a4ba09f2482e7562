"""Folders that several test workers use and only the first one makes."""

import fcntl
import os
import pathlib
import shutil
from collections.abc import Callable

import pytest


def shared_root(factory: pytest.TempPathFactory) -> pathlib.Path:
    """The temporary folder that all workers of pytest-xdist share."""
    root = factory.getbasetemp()
    return root.parent if 'PYTEST_XDIST_WORKER' in os.environ else root


def make_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[pathlib.Path], object]
) -> pathlib.Path:
    """Fills a folder in the first worker that asks for it; the others wait and read it.

    Args:
      factory: pytest's fixture `tmp_path_factory`.
      name: of the folder, unique among all tests.
      make: fills the empty folder; no test may change the folder afterwards.
    """
    root = shared_root(factory)
    folder, complete = root / name, root / f'{name}.complete'
    with (root / f'{name}.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker in which `make` failed
            folder.mkdir()
            make(folder)
            complete.touch()
    return folder
