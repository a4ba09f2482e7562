"""Worker processes: they end with the process that started them, and a death is reported."""

import os
import signal
import subprocess
import sys
import time

import pytest

from helpers.paths import ROOT
from ubernet_jax.errors import UserError
from ubernet_jax.worker_pool import worker_pool

SCRIPT = """
import os, time
from ubernet_jax.worker_pool import worker_pool
if __name__ == '__main__':
    with worker_pool('slept', 'sleep less', 1, print, 'started') as pool:
        pid = pool.submit(os.getpid).result()
        print(pid, flush=True)
        pool.submit(time.sleep, {seconds}).result()
"""


def start(seconds: float) -> tuple[subprocess.Popen, int]:
    """Returns a process whose worker sleeps, and the id of the worker."""
    script = SCRIPT.format(seconds=seconds)
    process = subprocess.Popen(
        [sys.executable, '-c', script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == 'started\n'
    return process, int(process.stdout.readline())


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_ends_when_its_parent_is_killed():
    process, worker = start(seconds=600)
    assert is_running(worker)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while is_running(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(worker)


def test_a_worker_ignores_an_interrupt():
    process, worker = start(seconds=0.5)
    os.kill(worker, signal.SIGINT)
    assert process.wait(timeout=20) == 0
    process.communicate()


def test_the_death_of_a_worker_is_an_error_with_a_remedy():
    message = 'a process that slept died, possibly for lack of memory: sleep less'
    with pytest.raises(UserError, match=message), worker_pool('slept', 'sleep less', 1) as pool:
        pool.submit(os._exit, 1).result()
