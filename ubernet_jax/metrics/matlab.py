"""Reads MATLAB files of versions 5 to 7 with scipy, after checking their structure.

scipy trusts the tags of a file's elements: a damaged type or size crashes the process. MATLAB's
"MAT-File Format", chapter 1, defines the elements that an array consists of.
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

_HEADER = 128  # bytes; the last two define the byte order
_BYTE_ORDERS = {b'IM': '<', b'MI': '>'}
_NUMBERS_AND_TEXT = {1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18}
_MATRIX, _COMPRESSED = 14, 15
# Classes of arrays.
_CELL, _STRUCT, _SPARSE = 1, 2, 5
_NUMERIC = {4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}  # includes text
_MAX_SIZE = 2**28  # bytes of a decompressed variable


def load_matlab(path: pathlib.Path) -> dict[str, Any]:
    """Returns the variables of a file, as `scipy.io.loadmat` does.

    Raises:
      MetricError: the file is missing, damaged or of another version.
    """
    try:
        content = path.read_bytes()
        if content.startswith((b'MATLAB 7.3', b'\x89HDF')):
            raise MetricError(f'{path} is a MATLAB 7.3 file: save it with -v7')
        order = _BYTE_ORDERS.get(content[_HEADER - 2 : _HEADER])
        if order is None:
            raise ValueError('it does not have the header of a MATLAB file')
        _check_variables(memoryview(content)[_HEADER:], order)
        return scipy.io.loadmat(io.BytesIO(content))
    except MetricError:
        raise
    except Exception as error:  # scipy raises exceptions of many types on a damaged file
        raise MetricError(
            f'{path} cannot be read as a MATLAB file ({type(error).__name__}: {error})'
        ) from error


def _check_variables(content: memoryview, order: str) -> None:
    """Raises a ValueError unless this part of a file consists of complete variables."""
    for kind, body in _elements(content, order):
        if kind == _COMPRESSED:
            _check_variables(memoryview(_decompress(body)), order)
        elif kind == _MATRIX:
            _check_matrix(body, order)
        else:
            raise ValueError(f'it has an element of type {kind} instead of a variable')


def _check_matrix(content: memoryview, order: str) -> None:
    """Raises a ValueError unless an array has exactly the elements that scipy will read."""
    if not content:  # an empty array has no elements
        return
    (_, flags), (_, sides), _, *parts = _elements(content, order)
    word, _ = struct.unpack(f'{order}II', flags)
    shape = struct.unpack(f'{order}{len(sides) // 4}i', sides)
    if len(shape) < 2 or min(shape) < 0:
        raise ValueError(f'it has an array of shape {shape}')
    kind, is_complex = word & 0xFF, bool(word & 0x800)
    if kind in (_CELL, _STRUCT):
        expected = math.prod(shape)
        if kind == _STRUCT:
            (_, length), (_, names), *parts = parts
            expected *= len(names) // struct.unpack(f'{order}i', length)[0]
        for part, body in parts:
            if part != _MATRIX:
                raise ValueError(f'it has an element of type {part} instead of an array')
            _check_matrix(body, order)
    elif kind in _NUMERIC or kind == _SPARSE:
        expected = 1 + is_complex + 2 * (kind == _SPARSE)  # sparse arrays have rows and columns too
        unknown = {part for part, _ in parts} - _NUMBERS_AND_TEXT
        if unknown:
            raise ValueError(f'it has an element of type {min(unknown)} instead of numbers')
    else:
        raise ValueError(f'it has an array of class {kind}, which is an object or a function')
    if len(parts) != expected:
        raise ValueError(f'it has an array with {len(parts)} elements instead of {expected}')


def _elements(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Yields type and content of each element; raises a ValueError if the last is incomplete."""
    position = 0
    while position < len(content):
        if position + 8 > len(content):
            raise ValueError('it is truncated')
        kind, size = struct.unpack_from(f'{order}II', content, position)
        start, step = position + 8, 8 + size
        if kind >> 16:  # elements of at most four bytes are stored in the tag itself
            kind, size, start, step = kind & 0xFFFF, kind >> 16, position + 4, 8
        body = content[start : min(start + size, position + step)]
        if len(body) < size:
            raise ValueError('it is truncated')
        yield kind, body
        position += step if kind == _COMPRESSED else step + -step % 8


def _decompress(body: memoryview) -> bytes:
    decompressor = zlib.decompressobj()
    content = decompressor.decompress(body, _MAX_SIZE)
    if not decompressor.eof:
        raise ValueError('it has a variable that is truncated or too large')
    return content
