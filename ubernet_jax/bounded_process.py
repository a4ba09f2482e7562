"""Calls a function in another process, which ends when it needs too much time or memory.

Some libraries, among them HDF5, read certain damaged files forever or allocate any size that a file
declares. They cannot be stopped within this process. A forked process is not safe after JAX has
started threads, so a new interpreter is started: about 0.1 s, and the imports of the function.
"""

import contextlib
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ubernet_jax.errors import UserError

T = TypeVar('T')

SECONDS = 5
MEMORY = 1_800_000_000

_WAITING = 4  # the process may take this many times its processor time, to wait for a disk


def run_bounded(
    name: object,
    function: Callable[..., T],
    *arguments: Any,
    seconds: int = SECONDS,
    memory: int = MEMORY,
) -> T:
    """Returns `function(*arguments)`, computed in another process.

    Args:
      name: the file that is read, for messages.
      function: a function of a module, whose import does not import JAX.
      arguments: what can be pickled, such as paths, bytes and arrays.
      seconds: limit of the processor time, from the start of the process.
      memory: limit of the address space in bytes: 0.1 GB for Python and numpy, the work of the
        function, and its result; a second time for arrays that are not contiguous.

    Raises:
      UserError: a limit is exceeded, or the process crashed.
      Exception: what the function raises, if it can be pickled, as all built-in errors can.
    """
    command = [sys.executable, '-m', __name__, str(seconds), str(memory)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
    ) as process:
        assert process.stdin and process.stdout
        waited = threading.Event()
        timer = threading.Timer(_WAITING * seconds, _end, [process, waited])
        timer.start()
        try:
            with contextlib.suppress(BrokenPipeError), process.stdin as call:
                pickle.dump((function, arguments), call, pickle.HIGHEST_PROTOCOL)
            result, error = pickle.load(process.stdout)
        except (EOFError, pickle.UnpicklingError) as ended:  # before it had answered
            status = process.wait()
            raise _explain(name, status, seconds, waited.is_set()) from ended
        finally:
            timer.cancel()
            process.kill()
    if isinstance(error, MemoryError):
        raise UserError(
            f'{name} needs more than {memory / 1e9:.1f} GB of memory to be read, which is the '
            'limit; replace the file'
        ) from error
    if error is not None:
        raise error
    return result


def _end(process: subprocess.Popen, waited: threading.Event) -> None:
    """Ends a process that has taken too long, as the limit of processor time would."""
    waited.set()
    process.send_signal(signal.SIGXCPU)


def _explain(name: object, status: int, seconds: int, waited: bool) -> UserError:
    """The error for a process that ended with this status, perhaps because of waiting too long."""
    if status == -signal.SIGXCPU:
        limit, remedy = f'{seconds} s of processor time', 'replace the file'
        if waited:
            limit = f'{_WAITING * seconds} s'
            remedy = f'{remedy}, or try again when this machine is less busy'
        return UserError(f'{name} takes more than {limit} to be read, which is the limit; {remedy}')
    return UserError(
        f'{name} cannot be read: the process that read it ended with status {status}; '
        'replace the file'
    )


def _environment() -> dict[str, str]:
    """The process imports from the same folders; each thread of a library would take memory."""
    return os.environ | {
        'PYTHONPATH': os.pathsep.join(folder or os.getcwd() for folder in sys.path),
        'PYTHONSAFEPATH': '1',
        'OMP_NUM_THREADS': '1',
        'OPENBLAS_NUM_THREADS': '1',
    }


def _serve() -> None:
    """Calls the function that stdin describes; writes (result, None) or (None, error) to stdout."""
    seconds, memory = map(int, sys.argv[1:])
    # The second limit of processor time ends the process by another signal.
    limits = {
        resource.RLIMIT_CPU: (seconds, seconds + 1),
        resource.RLIMIT_AS: (memory, memory),
        resource.RLIMIT_CORE: (0, 0),
    }
    for kind, limit in limits.items():
        with contextlib.suppress(ValueError):  # a lower limit is set already, or there is none
            resource.setrlimit(kind, limit)
    with os.fdopen(os.dup(1), 'wb') as output:
        os.dup2(2, 1)  # what libraries print is not part of the answer
        try:
            function, arguments = pickle.load(sys.stdin.buffer)
            answer = function(*arguments), None
        except Exception as error:
            answer = None, error
        pickle.dump(answer, output, pickle.HIGHEST_PROTOCOL)


if __name__ == '__main__':
    _serve()
