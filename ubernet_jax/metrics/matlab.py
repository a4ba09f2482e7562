"""Reads MATLAB files of versions 5 to 7 with scipy, after checking their structure.

scipy trusts the tags of a file's elements: a damaged type or size crashes the process. MATLAB's
"MAT-File Format", chapter 1, defines the elements that an array consists of. scipy also reads
whatever size the elements have after decompression: it is limited for the file.
"""

import io
import math
import pathlib
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import scipy.io

from ubernet_jax.metrics.file_bytes import MAX_VALUES, read_bytes
from ubernet_jax.metrics.metric import MetricError

_HEADER = 128  # bytes; the last two define the byte order
_BYTE_ORDERS = {b'IM': '<', b'MI': '>'}
_NUMBERS_AND_TEXT = {1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18}
_MATRIX, _COMPRESSED = 14, 15
# Classes of arrays.
_CELL, _STRUCT, _SPARSE = 1, 2, 5
_NUMERIC = {4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}  # includes text
# Limits of a file.
_MAX_BYTES = 2**28  # as stored, and of all variables decompressed
_MAX_ELEMENTS = 500_000  # an array has four or more; each takes time, and memory as an object
_MAX_NESTING = 64  # of cells and structs


def load_matlab(path: pathlib.Path) -> dict[str, Any]:
    """Returns the variables of a file, as `scipy.io.loadmat` does.

    Raises:
      MetricError: the file is missing, damaged, too large or of another version.
    """
    try:
        content = read_bytes(path, _MAX_BYTES)
        if content.startswith((b'MATLAB 7.3', b'\x89HDF')):
            raise MetricError(f'{path} is a MATLAB 7.3 file: save it with -v7')
        order = _BYTE_ORDERS.get(content[_HEADER - 2 : _HEADER])
        if order is None:
            raise ValueError('it does not have the header of a MATLAB file')
        _Checker(order).check_file(memoryview(content)[_HEADER:])
        return scipy.io.loadmat(io.BytesIO(content))
    except MetricError:
        raise
    except Exception as error:  # scipy raises exceptions of many types on a damaged file
        raise MetricError(
            f'{path} cannot be read as a MATLAB file ({type(error).__name__}: {error})'
        ) from error


class _Checker:
    """Checks the elements of a file; its methods raise a ValueError.

    Args:
      order: the byte order, `<` or `>`.
    """

    def __init__(self, order: str) -> None:
        self._order = order
        self._bytes_left = _MAX_BYTES
        self._values_left = MAX_VALUES
        self._elements_left = _MAX_ELEMENTS

    def check_file(self, content: memoryview) -> None:
        """Checks that the part after the header consists of complete variables."""
        for kind, body in self._elements(content):
            if kind == _COMPRESSED:
                variables = self._elements(memoryview(self._decompress(body)))
            else:
                variables = iter([(kind, body)])
            for inner_kind, variable in variables:
                if inner_kind != _MATRIX:
                    raise ValueError(
                        f'it has an element of type {inner_kind} instead of a variable'
                    )
                self._check_matrix(variable, _MAX_NESTING)

    def _check_matrix(self, content: memoryview, nesting: int) -> None:
        """Checks that an array has exactly the elements that scipy will read."""
        if not content:  # an empty array has no elements
            return
        if not nesting:
            raise ValueError(f'it has arrays in arrays to a depth of more than {_MAX_NESTING}')
        (_, flags), (_, sides), _, *parts = self._elements(content)
        word, _ = struct.unpack(f'{self._order}II', flags)
        shape = struct.unpack(f'{self._order}{len(sides) // 4}i', sides)
        if len(shape) < 2 or min(shape) < 0:
            raise ValueError(f'it has an array of shape {shape}')
        kind, is_complex = word & 0xFF, bool(word & 0x800)
        if kind in (_CELL, _STRUCT):
            expected = math.prod(shape)
            if kind == _STRUCT:
                (_, length), (_, names), *parts = parts
                fields = len(names) // struct.unpack(f'{self._order}i', length)[0]
                self._count_elements(fields)
                expected *= fields
            for part, body in parts:
                if part != _MATRIX:
                    raise ValueError(f'it has an element of type {part} instead of an array')
                self._check_matrix(body, nesting - 1)
        elif kind in _NUMERIC or kind == _SPARSE:
            # Sparse arrays have rows and columns too.
            expected = 1 + is_complex + 2 * (kind == _SPARSE)
            unknown = {part for part, _ in parts} - _NUMBERS_AND_TEXT
            if unknown:
                raise ValueError(f'it has an element of type {min(unknown)} instead of numbers')
            self._count_values(shape if kind in _NUMERIC else ())
        else:
            raise ValueError(f'it has an array of class {kind}, which is an object or a function')
        if len(parts) != expected:
            raise ValueError(f'it has an array with {len(parts)} elements instead of {expected}')

    def _elements(self, content: memoryview) -> Iterator[tuple[int, memoryview]]:
        """Yields type and content of each element; the last must be complete."""
        position = 0
        while position < len(content):
            if position + 8 > len(content):
                raise ValueError('it is truncated')
            self._count_elements(1)
            kind, size = struct.unpack_from(f'{self._order}II', content, position)
            start, step = position + 8, 8 + size
            if kind >> 16:  # elements of at most four bytes are stored in the tag itself
                kind, size, start, step = kind & 0xFFFF, kind >> 16, position + 4, 8
            body = content[start : min(start + size, position + step)]
            if len(body) < size:
                raise ValueError('it is truncated')
            yield kind, body
            position += step if kind == _COMPRESSED else step + -step % 8

    def _count_elements(self, number: int) -> None:
        self._elements_left -= number
        if self._elements_left < 0:
            raise ValueError(f'it has more than {_MAX_ELEMENTS:,} elements')

    def _count_values(self, shape: Sequence[int]) -> None:
        self._values_left -= math.prod(shape)
        if self._values_left < 0:
            raise ValueError(f'it has more than {MAX_VALUES:,} values')

    def _decompress(self, body: memoryview) -> bytes:
        decompressor = zlib.decompressobj()
        content = decompressor.decompress(body, self._bytes_left + 1)
        self._bytes_left -= len(content)
        if self._bytes_left < 0:
            raise ValueError(f'it has more than {_MAX_BYTES:,} bytes when decompressed')
        if not decompressor.eof:
            raise ValueError('it has a variable that is truncated')
        return content
