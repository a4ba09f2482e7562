"""Reads a visitor's photograph in a process that ends when the file needs too much."""

import os
import pathlib

import numpy as np
from PIL import Image

from ubernet_jax.bounded_process import run_bounded
from ubernet_jax.errors import UserError
from ubernet_jax.photographs import read_photograph

SIDE = 1024  # pixels; photographs with a longer side are scaled down before the prediction
SECONDS = 3  # of processor time; 64 million opaque pixels take less in common formats
MEMORY = 3 * 2**29  # bytes of address space


def read_visitors_photograph(path: str | os.PathLike) -> np.ndarray:
    """Returns the photograph, scaled down to at most `SIDE` pixels: uint8 (H, W, 3), RGB.

    Raises:
      UserError: the file cannot be read, or not within `SECONDS` and `MEMORY`. The message has the
        name of the file, but no folder: visitors must not learn the paths of the server.
    """
    path = pathlib.Path(path)
    try:
        return run_bounded(path.name, _read, path, seconds=SECONDS, memory=MEMORY)
    except UserError as error:
        raise UserError(str(error).replace(str(path), path.name)) from error


def _read(path: pathlib.Path) -> np.ndarray:
    os.nice(5)  # the page and the predictions go first
    photograph = Image.fromarray(read_photograph(path))
    photograph.thumbnail((SIDE, SIDE))
    return np.asarray(photograph)
