"""Reads arrays from `.npy` and `.npz` files, after a check of the size that they declare."""

import math
import zipfile
from typing import IO

import numpy as np

from ubernet_jax.metrics.file_bytes import MAX_VALUES

# Version 3 is for records with names that are not Latin; records are not arrays of numbers.
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # NumPy's


def read_npy(file: IO[bytes]) -> np.ndarray:
    """Reads an array of at most `MAX_VALUES` numbers.

    Raises:
      ValueError: it has more values, or values that are not numbers.
      Exception: the file is damaged; its header, which is Python source, raises almost any type.
    """
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f'the format version {version} is for records, not for numbers')
    shape, _, dtype = _HEADERS[version](file)
    if dtype.kind not in 'biufc':
        raise ValueError(f'an array of numbers is needed, not of {dtype}')
    if math.prod(shape) > MAX_VALUES:
        raise ValueError(f'an array of shape {shape} has more than {MAX_VALUES:,} values')
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def read_member(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    """Reads an array of a `.npz` file. Raises as `read_npy`."""
    if archive.getinfo(member).compress_type not in _COMPRESSIONS:
        raise ValueError(f'{member} is compressed in another way than NumPy does')
    with archive.open(member) as file:
        return read_npy(file)
