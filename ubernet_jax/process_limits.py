"""Limits of the system on a process: checked before work, and named when they are reached."""

import ctypes
import errno
import os
import resource

from ubernet_jax.errors import UserError

MIN_FILES = 256  # open files; a training with two readers of small datasets opens over 64
MAX_FILES = 2**16  # what is asked for; some systems refuse an infinite number
MIN_ADDRESSES = 4 * 2**30  # bytes; training the smallest network hung at 2.1e9, crashed at 2.3e9

_M_ARENA_MAX = -8  # of glibc's malloc.h

_ADVICE = {
    os.strerror(errno.EMFILE): 'allow more open files: ulimit -n 4096',
    os.strerror(errno.ENOMEM): 'free some memory, or lift its limits: ulimit -v unlimited',
}


def check_limits() -> None:
    """Raises the number of files that may be open as far as the system allows.

    Raises:
      UserError: too few may be open, or JAX could hang or crash for lack of address space.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if files < MIN_FILES:
        raise UserError(
            f'a process may open {files} files (ulimit -n); at least {MIN_FILES} are needed: '
            'ulimit -n 4096, or ask for a higher hard limit'
        )
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    addresses = resource.getrlimit(resource.RLIMIT_AS)[0]
    if addresses != resource.RLIM_INFINITY and addresses < MIN_ADDRESSES:
        raise UserError(
            f'the address space of a process is limited to {addresses / 1e9:.1f} GB (ulimit -v), '
            f'but at least {MIN_ADDRESSES / 1e9:.1f} GB are needed, far more than the memory that '
            'is used: ulimit -v unlimited'
        )


def share_heaps(number: int = 2) -> None:
    """Lets all threads allocate from a few heaps; does nothing where the C library is not glibc.

    By default, glibc gives up to eight heaps a core to threads that allocate at the same time, and
    each keeps most of the memory that it once needed.
    """
    if change := getattr(ctypes.CDLL(None), 'mallopt', None):
        change(_M_ARENA_MAX, number)


def find_shortage(error: Exception) -> str | None:
    """What to do about an error for lack of open files or memory; None for other errors.

    Args:
      error: also one whose message quotes the system, as those of C++ libraries do.
    """
    text = str(error)
    return next((advice for shortage, advice in _ADVICE.items() if shortage in text), None)
