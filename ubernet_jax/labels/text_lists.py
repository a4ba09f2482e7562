"""Text files with one name per line, as written on any system."""

import pathlib

from ubernet_jax.errors import UserError
from ubernet_jax.metrics.file_bytes import MAX_JSON_BYTES, read_bytes


def read_names(path: pathlib.Path) -> list[str]:
    """Reads one name per line; blanks around names and empty lines are ignored.

    Raises as `read_text`.
    """
    return [name for name in map(str.strip, read_text(path).splitlines()) if name]


def read_text(path: pathlib.Path) -> str:
    """Reads a text file, without the byte-order mark that Windows may write.

    Raises:
      UserError: the file is not UTF-8.
      OSError: it cannot be read, or is too large.
    """
    try:
        return read_bytes(path, MAX_JSON_BYTES).decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise UserError(f'{path}: cannot be read as text ({error}); save it in UTF-8') from error
