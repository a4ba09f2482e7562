"""Limits on open files and address space are refused before work, and named when reached."""

import errno
import os
import pathlib
import platform
import subprocess
import sys

import pytest

from helpers.paths import ROOT
from ubernet_jax.process_limits import find_shortage

SCRIPT = """
import resource, sys
resource.setrlimit(resource.RLIMIT_{name}, ({soft}, {hard}))
from ubernet_jax import cli
cli.run(lambda: print(*resource.getrlimit(resource.RLIMIT_NOFILE)))
"""


def run(name: str, soft: int, hard: int) -> subprocess.CompletedProcess:
    """Calls `cli.run` in a process with this limit."""
    script = SCRIPT.format(name=name, soft=soft, hard=hard)
    return subprocess.run([sys.executable, '-c', script], cwd=ROOT, capture_output=True, text=True)


def test_too_few_open_files_are_refused():
    result = run('NOFILE', 64, 64)
    assert result.returncode == 2 and 'Traceback' not in result.stderr
    assert 'ulimit -n' in result.stderr and ' 64 ' in result.stderr


def test_the_soft_limit_on_open_files_is_raised_to_the_hard_limit():
    result = run('NOFILE', 64, 1000)
    assert (result.returncode, result.stdout) == (0, '1000 1000\n')


def test_little_address_space_is_refused():
    result = run('AS', 2_000_000_000, -1)
    assert result.returncode == 2 and 'Traceback' not in result.stderr
    assert 'ulimit -v' in result.stderr and '2.0 GB' in result.stderr


@pytest.mark.parametrize(
    ('error', 'advice'),
    [
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE), 'a'), 'ulimit -n'),
        (RuntimeError('open() failed: Too many open files; opening a'), 'ulimit -n'),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), 'ulimit -v'),
    ],
)
def test_the_advice_for_a_shortage(error, advice):
    assert advice in find_shortage(error)


def test_other_errors_are_no_shortage():
    assert find_shortage(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) is None


HEAPS = """
import ctypes, sys, threading
from ubernet_jax.process_limits import share_heaps

libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
barrier = threading.Barrier(12)

def allocate():
    barrier.wait()
    libc.malloc(1000)
    barrier.wait()

if sys.argv[2] == 'shared':
    share_heaps()
threads = [threading.Thread(target=allocate) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b'w'))
libc.malloc_info(0, file)
libc.fclose(file)
"""


def count_heaps(path: pathlib.Path, *words: str) -> int:
    """Heaps of a process in which twelve threads have allocated memory."""
    subprocess.run([sys.executable, '-c', HEAPS, str(path), *words], cwd=ROOT, check=True)
    return path.read_text().count('<heap nr')


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='the C library is not glibc')
def test_threads_share_two_heaps(tmp_path):
    assert count_heaps(tmp_path / 'a', 'separate') > count_heaps(tmp_path / 'b', 'shared') == 2
