"""Digests of the files of a checkpoint, so that a damaged checkpoint is never restored.

The format of the arrays has no checksums: a changed bit would be restored as another number.
`digests.json` in the folder of a checkpoint has the SHA-256 of every file of its items. It is
written in the background, before the folder gets its final name, and compared before an item is
read: damaged files then do not reach the library that reads them.
"""

import hashlib
import pathlib
from collections.abc import Collection

from ubernet_jax.errors import UserError, name_some
from ubernet_jax.json_file import read_json, write_json
from ubernet_jax.weights.digest import note_without_digests

DIGESTS = 'digests.json'


class DamagedError(UserError):
    """A checkpoint that cannot be read, or was changed after it was complete."""


def write_digests(folder: pathlib.Path) -> None:
    """Writes the digests of the files of all items, which are the folders in `folder`."""
    files = (path for path in sorted(folder.glob('*/**/*')) if path.is_file())
    digests = {path.relative_to(folder).as_posix(): _digest(path) for path in files}
    write_json(folder / DIGESTS, digests)


def check_digests(folder: pathlib.Path, items: Collection[str] | None = None) -> None:
    """Compares files with their digests; says so if the checkpoint has none.

    Args:
      folder: of a complete checkpoint.
      items: names of the items to check; None for all.

    Raises:
      DamagedError: a file is missing or has changed; the first of them are named.
    """
    if not (folder / DIGESTS).exists():
        return note_without_digests(folder)
    checked = {
        name: digest
        for name, digest in _read_digests(folder).items()
        if items is None or name.split('/')[0] in items
    }
    damaged = [name for name, digest in checked.items() if _digest(folder / name) != digest]
    if damaged:
        raise DamagedError(
            f'{folder} is damaged: {len(damaged)} of {len(checked)} files are missing or have '
            f'changed since they were written ({name_some(damaged)})'
        )


def _read_digests(folder: pathlib.Path) -> dict[str, str]:
    try:
        digests = read_json(folder / DIGESTS)
    except (OSError, UserError) as error:
        raise DamagedError(f'{folder} is damaged: {error}') from error
    if not isinstance(digests, dict) or not digests:
        raise DamagedError(f'{folder} is damaged: {DIGESTS} holds no digests')
    return digests


def _digest(path: pathlib.Path) -> str | None:
    """The SHA-256 of a file; None if there is no such file."""
    try:
        with path.open('rb') as file:
            return hashlib.file_digest(file, 'sha256').hexdigest()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        return None
