"""The state of a training process: its readers, its log, and whether it is saving."""

import json
import pathlib
import time
from collections.abc import Callable, Iterable

from helpers.training import Process

PATIENCE = 300  # seconds for what takes ten on an idle machine


def wait_until(condition: Callable[[], object], process: Process) -> None:
    """Waits for a condition while a process runs; the process must not end before."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, process.output()
        assert time.monotonic() < end, f'not within {PATIENCE} s'
        time.sleep(0.01)


def last_step(workdir: pathlib.Path) -> int:
    """The newest step of the log; 0 if there is none."""
    path = workdir / 'log.jsonl'
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    complete = [line for line in lines if line.endswith('\n')]
    return json.loads(complete[-1])['step'] if complete else 0


def is_saving(workdir: pathlib.Path) -> bool:
    """Whether a checkpoint exists that is not complete."""
    return any(not path.name.isdigit() for path in (workdir / 'checkpoints').glob('*'))


def readers_of(process: Process) -> list[int]:
    """Process ids of the reader processes, which Grain starts from a separate thread."""
    threads = pathlib.Path(f'/proc/{process.pid}/task').glob('*/children')
    children = [int(child) for thread in threads for child in _read(thread).split()]
    return [child for child in children if 'spawn_main' in _read(_proc(child) / 'cmdline')]


def is_alive(pid: int) -> bool:
    """Whether a process runs; a process that has ended and was not waited for does not."""
    status = _read(_proc(pid) / 'stat')
    return bool(status) and status.rsplit(') ', 1)[1][0] != 'Z'


def wait_for_end(pids: Iterable[int]) -> None:
    """Waits for reader processes to end after their parent."""
    end = time.monotonic() + 30
    while any(map(is_alive, pids)):
        assert time.monotonic() < end, 'a reader process outlived its parent'
        time.sleep(0.01)


def _proc(pid: int) -> pathlib.Path:
    return pathlib.Path('/proc', str(pid))


def _read(path: pathlib.Path) -> str:
    """The content of a file of /proc; empty if its process has ended."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ''
