"""Reads whole files of unknown origin, whose size is limited."""

import os
import pathlib
import stat

MAX_BYTES = 2**29  # of a file
MAX_JSON_BYTES = 2**26  # Python objects take up to 25 times as much memory
MAX_VALUES = 2**26  # of the arrays in a file; 0.5 GB as float64, as which they are scored


def read_bytes(path: str | os.PathLike, largest: int = MAX_BYTES) -> bytes:
    """Returns the content of a file of at most `largest` bytes.

    Raises:
      OSError: it cannot be read, is larger, or is not a regular file: a pipe has no end.
    """
    path = pathlib.Path(path)
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f'{path} is not a regular file')
    if status.st_size > largest:
        raise OSError(
            f'{path} has {status.st_size:,} bytes, but at most {largest:,} are read; '
            'make it smaller'
        )
    return path.read_bytes()
