"""Reading variables of MATLAB files; errors are `UserError`s that name the file and the variable.

Files of versions 5 to 7 are read as in `metrics`. Files of version 7.3 are HDF5 and store every
array with its axes reversed.
"""

import pathlib
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.hdf5_arrays import read_slice
from ubernet_jax.metrics.matlab import load_matlab
from ubernet_jax.metrics.metric import MetricError

T = TypeVar('T')

_HDF5_STARTS = (b'MATLAB 7.3', b'\x89HDF')  # with and without MATLAB's header


def read_matlab(path: pathlib.Path, variable: str, parse: Callable[[np.ndarray], T]) -> T:
    """Reads and parses a variable of a file of version 5 to 7.

    Args:
      path: the file.
      variable: name of the variable.
      parse: converts the array as scipy returns it: a struct is an array of records, a cell array
        is an array of objects, and every array has at least two axes.

    Raises:
      UserError: the file is damaged or of version 7.3, the variable is missing, or `parse` raises
        an error because the structure is not as expected.
    """
    if _is_hdf5(path):
        raise UserError(
            f'{path}: {variable} cannot be read, because the file is of MATLAB version 7.3; '
            'expected is version 5 to 7: use the file as it was published, or save it with -v7'
        )
    try:
        contents = load_matlab(path)
    except MetricError as error:
        raise _damaged(path, variable, error.__cause__ or error) from error
    if variable not in contents:
        raise _missing(path, variable, (name for name in contents if not name.startswith('__')))
    try:
        return parse(contents[variable])
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f'{path}: {variable} has another structure than expected '
            f'({type(error).__name__}: {error}); use the file as it was published'
        ) from error


def as_map(value: object, largest: int = 255) -> np.ndarray:
    """Converts a value to a map of classes or instances, int32 (H, W), 0 to `largest`.

    Raises:
      TypeError, ValueError: the value is not such a map; `read_matlab` reports this to the user.
    """
    if not isinstance(value, np.ndarray) or value.ndim != 2 or value.dtype.kind not in 'biuf':
        raise TypeError(f'a map (H, W) of numbers was expected, not {value!r:.50}')
    wrong = value[~((value >= 0) & (value <= largest) & (value == np.floor(value)))]
    if wrong.size:
        raise ValueError(f'{wrong[0]} is not a whole number from 0 to {largest}')
    return value.astype(np.int32)


def read_matlab_slice(path: pathlib.Path, variable: str, index: int) -> np.ndarray:
    """Reads a slice along the last axis of an array in a file of version 7.3.

    Args:
      path: the file.
      variable: name of the array; (H, W, N) or (H, W, C, N) in MATLAB.
      index: from 0 to N - 1.

    Returns:
      (H, W) or (H, W, C), axes in MATLAB's order; only these values are read from disk.

    Raises:
      UserError: the file is damaged or of another version, or has no such variable or slice.
    """
    if not _is_hdf5(path):
        raise UserError(
            f'{path}: {variable} cannot be read, because the file is not of MATLAB version 7.3 '
            '(HDF5); use the file as it was published'
        )
    try:
        return read_slice(path, variable, index).T
    except IndexError as error:
        raise UserError(
            f'{path}: {variable} has {error} frames, so there is no frame {index + 1}'
        ) from error
    except KeyError as error:
        raise _missing(path, variable, map(str, error.args[0])) from error
    except (MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise _damaged(path, variable, error) from error


def _is_hdf5(path: pathlib.Path) -> bool:
    try:
        with path.open('rb') as file:
            return file.read(10).startswith(_HDF5_STARTS)
    except OSError as error:
        raise UserError(f'{path} cannot be read: {error.strerror}; check the file') from error


def _damaged(path: pathlib.Path, variable: str, error: BaseException) -> UserError:
    return UserError(
        f'{path}: {variable} cannot be read from this MATLAB file '
        f'({type(error).__name__}: {error}); unpack or download it again'
    )


def _missing(path: pathlib.Path, variable: str, names: Iterable[str]) -> UserError:
    return UserError(
        f'{path} has no variable {variable}; it has {", ".join(names) or "none"}. '
        'It may be a file of another dataset'
    )
