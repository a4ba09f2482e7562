"""Reading variables of MATLAB files; whatever is wrong with one is a `UserError` that names both.

Files of versions 5 to 7 are read as `metrics` reads them. Those of version 7.3 are HDF5, and hold
every array with its axes reversed.
"""

import pathlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.metrics.matlab import load_matlab
from ubernet_jax.metrics.metric import MetricError

T = TypeVar('T')

_HDF5_STARTS = (b'MATLAB 7.3', b'\x89HDF')  # with and without MATLAB's text before it


def read_matlab(path: pathlib.Path, variable: str, parse: Callable[[np.ndarray], T]) -> T:
    """What `parse` makes of a variable of a file of version 5 to 7.

    Args:
      path: the file.
      variable: its name.
      parse: gets the array as scipy gives it: a struct is an array of records, a cell array one of
        objects, everything has at least two axes.

    Raises:
      UserError: the file is broken or of version 7.3, or the variable is absent or, by an error
        that `parse` raises, of another structure.
    """
    if _is_hdf5(path):
        raise UserError(
            f'{path}: {variable} cannot be read, because the file is of MATLAB version 7.3; '
            'expected is version 5 to 7: take the file as it was published, or save it with -v7'
        )
    try:
        contents = load_matlab(path)
    except MetricError as error:
        raise _broken(path, variable, error.__cause__) from error
    if variable not in contents:
        raise _lacks(path, variable, (name for name in contents if not name.startswith('__')))
    try:
        return parse(contents[variable])
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f'{path}: {variable} has another structure than expected '
            f'({type(error).__name__}: {error}); take the file as it was published'
        ) from error


def as_map(value: object, largest: int = 255) -> np.ndarray:
    """What `parse` expects to be a map of classes or instances: int32 (H, W), 0 to `largest`.

    Raises:
      TypeError, ValueError: it is not; `read_matlab` tells the user.
    """
    if not isinstance(value, np.ndarray) or value.ndim != 2 or value.dtype.kind not in 'biuf':
        raise TypeError(f'a map (H, W) of numbers was expected, not {value!r:.50}')
    wrong = value[~((value >= 0) & (value <= largest) & (value == np.floor(value)))]
    if wrong.size:
        raise ValueError(f'{wrong[0]} is no whole number from 0 to {largest}')
    return value.astype(np.int32)


def read_matlab_slice(path: pathlib.Path, variable: str, index: int) -> np.ndarray:
    """One slice along the last axis of an array in a file of version 7.3.

    Args:
      path: the file.
      variable: the array's name; (H, W, N) or (H, W, C, N) in MATLAB.
      index: from 0 to N - 1.

    Returns:
      (H, W) or (H, W, C), axes in MATLAB's order; only these values are read from the disk.

    Raises:
      UserError: the file is broken or of another version, or the variable or the slice is absent.
    """
    import h5py  # takes 0.1 s, which only NYUv2 needs to spend

    if not _is_hdf5(path):
        raise UserError(
            f'{path}: {variable} cannot be read, because the file is not of MATLAB version 7.3 '
            '(HDF5); take the file as it was published'
        )
    try:
        with h5py.File(path, 'r') as file:
            if variable not in file:
                raise _lacks(path, variable, (name for name in file if not name.startswith('#')))
            array = file[variable]
            if not 0 <= index < len(array):
                raise UserError(
                    f'{path}: {variable} has {len(array)} frames; number {index + 1}, which was '
                    'asked for, is none of them'
                )
            return array[index].T
    except (KeyError, MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise _broken(path, variable, error) from error


def _is_hdf5(path: pathlib.Path) -> bool:
    try:
        with path.open('rb') as file:
            return file.read(10).startswith(_HDF5_STARTS)
    except OSError as error:
        raise UserError(f'{path} cannot be read: {error.strerror}; check the file') from error


def _broken(path: pathlib.Path, variable: str, error: Exception) -> UserError:
    return UserError(
        f'{path}: {variable} cannot be read from this MATLAB file '
        f'({type(error).__name__}: {error}); unpack or download it again'
    )


def _lacks(path: pathlib.Path, variable: str, names: Iterable[Any]) -> UserError:
    return UserError(
        f'{path} has no variable {variable}; it has {", ".join(names) or "none"}. '
        'Is it the file of another dataset?'
    )
