"""The lock of a workdir, which keeps two runs from writing to it at once."""

import contextlib
import pathlib
from collections.abc import Iterator

import jax
import numpy as np
from jax.experimental import multihost_utils

from ubernet_jax.errors import UserError
from ubernet_jax.locks import lock_folder


@contextlib.contextmanager
def lock_workdir(workdir: pathlib.Path) -> Iterator[None]:
    """Holds the lock of a workdir, which is created if needed.

    The first process of a run holds it for all of them; if it cannot, all end.

    Raises:
      UserError: another run holds it.
      OSError: the folder cannot be written to.
    """
    with contextlib.ExitStack() as lock:
        failure = None
        if jax.process_index() == 0:
            try:
                advice = 'wait until it ends, end it, or give another --workdir'
                lock.enter_context(lock_folder(workdir, advice))
            except (UserError, OSError) as error:
                failure = error
        if jax.process_count() > 1:
            failed = multihost_utils.broadcast_one_to_all(np.array(failure is not None))
            if failed and failure is None:
                failure = UserError(f'the first process could not lock {workdir}: see its message')
        if failure:
            raise failure
        yield
