"""Reading the micro-batches of the next steps while the device computes."""

import contextlib
import errno
import gc
import multiprocessing.process
import os
import signal
import threading
from collections.abc import Generator, Iterator

import grain
import jax
import numpy as np
from grain.multiprocessing import SharedMemoryArray

from ubernet_jax.batch import Batch
from ubernet_jax.errors import UserError
from ubernet_jax.training.micro_batches import MicroBatches
from ubernet_jax.training.packing import pack


def read_ahead(
    batches: MicroBatches, start: int, workers: int
) -> Generator[list[Batch[np.ndarray]], None, None]:
    """Yields the packed micro-batches of each step from `start` on; close it after use.

    Args:
      batches: the source.
      start: the first step.
      workers: reader processes; 0 reads in threads. Processes need parsed absl flags.

    Raises:
      UserError: an image cannot be read, a reader process was killed, or /dev/shm is full.
    """
    dataset = grain.MapDataset.source(batches)[start:].map(_pack_all)
    dataset = dataset.to_iter_dataset(grain.ReadOptions(num_threads=2, prefetch_buffer_size=4))
    if workers:
        dataset = dataset.mp_prefetch(
            grain.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=2),
            worker_init_fn=_end_with_parent,
        )
    deletions = _finished_deletions() if workers else contextlib.nullcontext()
    with deletions, contextlib.closing(iter(dataset)) as stream:
        try:
            yield from map(_copy, stream)
        except OSError as error:
            if not workers or error.errno != errno.ENOSPC:
                raise
            raise UserError(
                'the memory that the reader processes share, /dev/shm, is full: make it larger '
                '(docker run --shm-size=2g), or read without processes: --config.data.workers=0. '
                'The same command continues from the last checkpoint.'
            ) from error
        except RuntimeError as error:
            if 'process was terminated' not in str(error):  # the wording of Grain
                raise
            raise UserError(
                'a reader process was killed, most likely for lack of memory: free some, or lower '
                f'--config.data.workers (now {workers}). The same command continues from the last '
                'checkpoint.'
            ) from error


@contextlib.contextmanager
def _finished_deletions() -> Iterator[None]:
    """Waits at the end until Grain has deleted its shared memory.

    Grain deletes it in a thread that ends with the process; what is left then, Python's resource
    tracker reports as leaked.
    """
    try:
        yield
    finally:
        gc.collect()
        # Grain has no public way to wait for its single thread, which deletes in order.
        thread = getattr(SharedMemoryArray, '_del_thread_pool', None)
        if thread is not None:
            thread.apply(int)


def _pack_all(batches: list[Batch[np.ndarray]]) -> list[Batch[np.ndarray]]:
    return [*map(pack, batches)]


def _copy(batches: list[Batch[np.ndarray]]) -> list[Batch[np.ndarray]]:
    """A copy outside the shared memory of the reader, which is unmapped while JAX may use it."""
    return jax.tree.map(np.array, batches)


def _end_with_parent(worker: int, workers: int) -> None:
    """Makes a reader process end when the training process does, and not before.

    Ctrl-C reaches every process of a terminal, and the SIGTERM of a scheduler every process of a
    job; a reader leaves both to the training process. If that is killed, its readers must notice.
    """
    del worker, workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=[parent], daemon=True).start()


def _exit_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)
