"""Limits on open files and address space are refused before work, and named when reached."""

import errno
import os
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
