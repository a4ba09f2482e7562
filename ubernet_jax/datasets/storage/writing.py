"""Writing files and folders so that an error leaves nothing incomplete behind."""

import contextlib
import pathlib
import tempfile
from collections.abc import Iterator

import numpy as np


def save_array_if_possible(path: pathlib.Path, array: np.ndarray) -> None:
    """Writes a `.npy` file atomically; writes nothing if the folder is not writable."""
    with (
        contextlib.suppress(OSError),
        tempfile.TemporaryDirectory(dir=path.parent) as scratch,
    ):
        unfinished = pathlib.Path(scratch, path.name)
        np.save(unfinished, array)
        unfinished.rename(path)


@contextlib.contextmanager
def removing_new_empty_folders(folder: pathlib.Path) -> Iterator[None]:
    """After an exception, removes `folder` if empty, and its empty parents that are new."""
    new = [folder, *(path for path in folder.parents if not path.exists())]
    try:
        yield
    except BaseException:  # including Ctrl-C
        with contextlib.suppress(OSError):  # not created, or not empty
            for path in new:
                path.rmdir()
        raise
