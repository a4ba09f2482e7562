"""Pools of worker processes, which end with the process that started them."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool

from ubernet_jax.errors import UserError


@contextlib.contextmanager
def worker_pool(
    work: str,
    remedy: str,
    processes: int | None = None,
    start: Callable[..., None] | None = None,
    *arguments: object,
) -> Iterator[concurrent.futures.ProcessPoolExecutor]:
    """Opens a pool of new interpreters; forks of a process with JAX's threads may hang.

    Ctrl-C reaches this process alone. If it is killed, its workers end too: a worker of
    `concurrent.futures` waits forever for work from a process that no longer exists.

    Args:
      work: what the processes do, for a message: `scored images`.
      remedy: what a user can do if one of them dies.
      processes: number of processes; None for the number of cores.
      start: called with `arguments` at the start of each process.
      arguments: can be pickled.

    Raises:
      UserError: a process died.
    """
    context = multiprocessing.get_context('spawn')
    try:
        with concurrent.futures.ProcessPoolExecutor(
            processes, context, _start_worker, (start, *arguments)
        ) as pool:
            yield pool
    except BrokenProcessPool as error:
        raise UserError(
            f'a process that {work} died, possibly for lack of memory: {remedy}'
        ) from error


def _start_worker(start: Callable[..., None] | None, *arguments: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if start:
        start(*arguments)


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)
