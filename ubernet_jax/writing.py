"""Writing files atomically: beside their final name, then renamed.

Readers see the old file or the complete new file. A write that fails leaves the old file, and
nothing beside it.
"""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

from ubernet_jax.errors import UserError


@contextlib.contextmanager
def new_file(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields a path to write to, with the name of `path`, which the new file replaces at the end.

    The folder is created if needed. A symbolic link stays, and the file that it leads to is
    replaced. What is not a file, such as /dev/stdout, is written to directly.

    Raises:
      OSError: from writing; names `path`.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    final = path.resolve()
    with new_files(final.parent) as folder, _naming(path, folder):
        yield folder / final.name


@contextlib.contextmanager
def new_files(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields an empty folder, whose files move to `folder` at the end, if there is no exception.

    They replace files of the same names. `folder` is created if needed.
    """
    with removing_new_empty_folders(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix='.writing-', dir=folder) as name:
            new = pathlib.Path(name)
            with _naming(folder, new):
                yield new
            for path in sorted(new.iterdir()):
                os.replace(path, folder / path.name)


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a text file atomically: see `new_file`."""
    with new_file(path) as new:
        new.write_text(text)


def make_folder(folder: pathlib.Path) -> None:
    """Creates a folder with its parents, unless it exists.

    Raises:
      UserError: it is a file, or is within a file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UserError(
            f'{folder} is a file, or is within a file: give the name of a folder'
        ) from None


@contextlib.contextmanager
def _naming(final: pathlib.Path, new: pathlib.Path) -> Iterator[None]:
    """Makes errors name the final file or folder, not the new one, or none as a full disk does."""
    try:
        yield
    except OSError as error:
        if error.errno and (error.filename is None or str(error.filename).startswith(str(new))):
            raise OSError(error.errno, error.strerror, str(final)) from error
        raise


@contextlib.contextmanager
def removing_new_empty_folders(folder: pathlib.Path) -> Iterator[None]:
    """After an exception, removes `folder` and its parents, as far as they are new and empty."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        yield
    except BaseException:  # including Ctrl-C
        with contextlib.suppress(OSError):  # not created, or not empty
            for path in new:
                path.rmdir()
        raise
