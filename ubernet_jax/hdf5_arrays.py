"""Reads parts of arrays in HDF5 files of unknown origin.

The HDF5 library reads some damaged files forever, and allocates any size that a file declares. The
functions are therefore called in another process, which `bounded_process` ends.
"""

import math
import pathlib

import h5py
import numpy as np

from ubernet_jax.bounded_process import run_bounded

_MAX_BYTES = 2**28  # of a slice, and of a chunk, which is decompressed as a whole


def read_slice(path: pathlib.Path, name: str, index: int) -> np.ndarray:
    """Reads a slice along the first axis of an array of numbers, in 0.3 s or more.

    Args:
      path: the file.
      name: of the array.
      index: of the slice.

    Raises:
      KeyError: the file has no such array; the argument lists the names that it has.
      IndexError: the array has no such slice; the argument is the number of slices.
      UserError: it takes too long, or too much memory.
      OSError, RuntimeError, TypeError, ValueError: the file is damaged, the object is not an array
        of numbers, or the slice is too large.
    """
    return run_bounded(path, _read_slice, path, name, index)


def _read_slice(path: pathlib.Path, name: str, index: int) -> np.ndarray:
    with h5py.File(path, 'r') as file:
        if name not in file:
            raise KeyError([key for key in map(str, file) if not key.startswith('#')])
        array = file[name]
        if not isinstance(array, h5py.Dataset) or array.dtype.kind not in 'biuf':
            raise TypeError('it is not an array of numbers')
        for shape in (array.shape[1:], array.chunks or ()):
            if (size := math.prod(shape) * array.dtype.itemsize) > _MAX_BYTES:
                raise ValueError(f'a part of {size:,} bytes; at most {_MAX_BYTES:,} are read')
        if not 0 <= index < len(array):
            raise IndexError(len(array))
        return np.asarray(array[index])
