"""The files of visitors: deleted by age, by total size, and after a server was killed."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from helpers.paths import ROOT
from ubernet_jax.inference.page import files
from ubernet_jax.inference.page.files import KEPT, delete_old, deleting, server_folder


def write(path: pathlib.Path, age: float = 0, size: int = 1) -> pathlib.Path:
    """Writes a file and its folder, both changed `age` seconds ago."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(size))
    changed = time.time() - age
    os.utime(path, (changed, changed))
    os.utime(path.parent, (changed, changed))
    return path


def test_old_files_and_empty_folders_are_deleted(tmp_path):
    permanent = write(tmp_path / 'samples' / 'scene.png', KEPT + 1)
    old = write(tmp_path / 'hash1' / 'photo.jpg', KEPT + 1)
    new = write(tmp_path / 'hash2' / 'photo.jpg', KEPT - 100)
    for _ in range(2):  # deleting a file changes its folder
        delete_old(tmp_path, {permanent, permanent.parent})
        if old.parent.exists():
            os.utime(old.parent, (0, 0))
    assert permanent.exists() and new.exists()
    assert not old.parent.exists()


def test_the_oldest_files_are_deleted_above_the_total_size(tmp_path, monkeypatch):
    monkeypatch.setattr(files, 'MAX_TOTAL', 500_000)
    oldest, middle, newest = [write(tmp_path / str(age), age, 200_000) for age in (30, 20, 10)]
    delete_old(tmp_path)
    assert not oldest.exists()
    assert middle.exists() and newest.exists()


def test_a_photograph_outlasts_larger_files_that_arrive_after_it(tmp_path, monkeypatch):
    monkeypatch.setattr(files, 'MAX_TOTAL', 5_000_000)
    waiting = write(tmp_path / 'photo.jpg', 30, 200_000)
    others = [write(tmp_path / str(age), age, 1_000_000) for age in range(10, 20)]
    delete_old(tmp_path)
    assert waiting.exists()
    assert [path.exists() for path in others] == [True] * 4 + [False] * 6


def test_the_number_of_files_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(files, 'MAX_TOTAL', 1_000_000)
    for number in range(30):
        write(tmp_path / str(number))
    delete_old(tmp_path)
    assert len(list(tmp_path.iterdir())) == 10


def test_a_folder_may_vanish_meanwhile(tmp_path, monkeypatch):
    old = write(tmp_path / 'hash1' / 'photo.jpg', KEPT + 1)
    vanishing = write(tmp_path / 'hash2' / 'photo.jpg').parent
    scandir = os.scandir

    def vanish(path):
        if pathlib.Path(path) == vanishing:
            vanishing.rename(tmp_path.parent / 'vanished')
        return scandir(path)

    monkeypatch.setattr(os, 'scandir', vanish)
    delete_old(tmp_path)
    assert not vanishing.exists() and not old.exists()


def test_files_are_deleted_while_the_page_is_served(tmp_path, monkeypatch):
    monkeypatch.setattr(files, 'INTERVAL', 0.01)
    sample = write(tmp_path / 'scene.png', 2 * KEPT)
    with deleting(tmp_path):
        visitors = write(tmp_path / 'photo.jpg', 2 * KEPT)
        deadline = time.monotonic() + 10
        while visitors.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert not visitors.exists() and sample.exists()


def test_the_next_server_deletes_the_files_of_a_killed_server_only(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    code = (
        'from ubernet_jax.inference.page.files import server_folder\n'
        'with server_folder() as folder:\n'
        '    (folder / "photo.jpg").touch()\n'
        '    print(folder, flush=True)\n'
        '    input()\n'
    )
    process = subprocess.Popen(
        [sys.executable, '-c', code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=os.environ | {'TMPDIR': str(tmp_path), 'PYTHONPATH': str(ROOT)},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        other = pathlib.Path(process.stdout.readline().strip())
        with server_folder() as folder:
            assert (other / 'photo.jpg').exists()
        assert not folder.exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
        with server_folder() as folder:
            assert list(tmp_path.iterdir()) == [folder]
    finally:
        process.kill()
        process.communicate()


def test_a_link_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    precious = write(tmp_path / 'precious' / 'photo.jpg')
    (tmp_path / 'ubernet_jax-link').symlink_to(precious.parent)
    with server_folder():
        assert precious.exists()


def test_an_error_deletes_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    with pytest.raises(KeyboardInterrupt), server_folder():
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
