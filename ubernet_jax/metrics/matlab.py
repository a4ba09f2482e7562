"""Reading MATLAB files of version 5 to 7, whatever they hold: scipy reads them, once checked.

scipy trusts the tags of a file's elements: a damaged type or size ends the process. What an array
has to consist of is in MATLAB's "MAT-File Format", chapter 1.
"""

import io
import math
import pathlib
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import scipy.io

from ubernet_jax.metrics.metric import MetricError

_HEADER = 128  # bytes; the last two tell the order of bytes
_ORDERS = {b'IM': '<', b'MI': '>'}
_NUMBERS_AND_TEXT = {1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18}
_MATRIX, _COMPRESSED = 14, 15
# Classes of arrays.
_CELL, _STRUCT, _SPARSE = 1, 2, 5
_NUMERIC = {4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}  # and text
_LARGEST = 2**28  # bytes of a decompressed variable


def load_matlab(path: pathlib.Path) -> dict[str, Any]:
    """The variables of a file, as `scipy.io.loadmat` gives them.

    Raises:
      MetricError: the file is missing, damaged or of another version.
    """
    try:
        content = path.read_bytes()
        if content.startswith((b'MATLAB 7.3', b'\x89HDF')):
            raise MetricError(f'{path} is a MATLAB 7.3 file: save it with -v7')
        order = _ORDERS.get(content[_HEADER - 2 : _HEADER])
        if order is None:
            raise ValueError('it does not start as one')
        _check_variables(memoryview(content)[_HEADER:], order)
        return scipy.io.loadmat(io.BytesIO(content))
    except MetricError:
        raise
    except Exception as error:  # scipy's reader raises nearly any type on a broken file
        raise MetricError(
            f'{path} cannot be read as a MATLAB file ({type(error).__name__}: {error})'
        ) from error


def _check_variables(content: memoryview, order: str) -> None:
    """Raises a ValueError unless this part of a file is filled by whole variables."""
    for kind, body in _elements(content, order):
        if kind == _COMPRESSED:
            _check_variables(memoryview(_decompress(body)), order)
        elif kind == _MATRIX:
            _check_matrix(body, order)
        else:
            raise ValueError(f'an element of type {kind} stands where a variable is expected')


def _check_matrix(content: memoryview, order: str) -> None:
    """Raises a ValueError unless it has the very elements that scipy will look for."""
    if not content:  # an empty one says no more
        return
    (_, flags), (_, sides), _, *parts = _elements(content, order)
    word, _ = struct.unpack(f'{order}II', flags)
    shape = struct.unpack(f'{order}{len(sides) // 4}i', sides)
    if len(shape) < 2 or min(shape) < 0:
        raise ValueError(f'an array of shape {shape}')
    kind, is_complex = word & 0xFF, bool(word & 0x800)
    if kind in (_CELL, _STRUCT):
        wanted = math.prod(shape)
        if kind == _STRUCT:
            (_, length), (_, names), *parts = parts
            wanted *= len(names) // struct.unpack(f'{order}i', length)[0]
        for part, body in parts:
            if part != _MATRIX:
                raise ValueError(f'an element of type {part} stands where an array is expected')
            _check_matrix(body, order)
    elif kind in _NUMERIC or kind == _SPARSE:
        wanted = 1 + is_complex + 2 * (kind == _SPARSE)  # of sparse ones rows and columns too
        unknown = {part for part, _ in parts} - _NUMBERS_AND_TEXT
        if unknown:
            raise ValueError(f'an element of type {min(unknown)} stands where numbers are expected')
    else:
        raise ValueError(f'an array of class {kind}, an object or a function')
    if len(parts) != wanted:
        raise ValueError(f'an array of {wanted} parts has {len(parts)}')


def _elements(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Type and content of each element; raises a ValueError unless whole ones fill it."""
    place = 0
    while place < len(content):
        if place + 8 > len(content):
            raise ValueError('it is cut off')
        kind, size = struct.unpack_from(f'{order}II', content, place)
        start, step = place + 8, 8 + size
        if kind >> 16:  # four bytes or less lie in the tag itself
            kind, size, start, step = kind & 0xFFFF, kind >> 16, place + 4, 8
        body = content[start : min(start + size, place + step)]
        if len(body) < size:
            raise ValueError('it is cut off')
        yield kind, body
        place += step if kind == _COMPRESSED else step + -step % 8


def _decompress(body: memoryview) -> bytes:
    decompressor = zlib.decompressobj()
    content = decompressor.decompress(body, _LARGEST)
    if not decompressor.eof:
        raise ValueError('a variable is cut off or too large')
    return content
