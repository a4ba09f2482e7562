"""Reading MATLAB files of version 5 to 7, whatever they hold: scipy reads them, once checked.

scipy trusts the types in the tags of a file's elements: a damaged one ends the process.
"""

import io
import pathlib
import struct
import zlib
from typing import Any

import scipy.io

from ubernet_jax.metrics.metric import MetricError

_HEADER = 128  # bytes; the last two tell the order of bytes
_ORDERS = {b'IM': '<', b'MI': '>'}
_NUMBERS_AND_TEXT = {1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18}
_MATRIX, _COMPRESSED = 14, 15
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
        _check_elements(memoryview(content)[_HEADER:], order)
        return scipy.io.loadmat(io.BytesIO(content))
    except MetricError:
        raise
    except Exception as error:  # scipy's reader raises nearly any type on a broken file
        raise MetricError(
            f'{path} cannot be read as a MATLAB file ({type(error).__name__}: {error})'
        ) from error


def _check_elements(content: memoryview, order: str) -> None:
    """Raises a ValueError unless elements of known types fill this part of a file."""
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
        if kind == _COMPRESSED:
            _check_elements(memoryview(_decompress(body)), order)
        elif kind == _MATRIX:
            _check_elements(body, order)
        elif kind not in _NUMBERS_AND_TEXT:
            raise ValueError(f'an element of type {kind}, which there is not')
        place += step if kind == _COMPRESSED else step + -step % 8


def _decompress(body: memoryview) -> bytes:
    decompressor = zlib.decompressobj()
    content = decompressor.decompress(body, _LARGEST)
    if not decompressor.eof:
        raise ValueError('a variable is cut off or too large')
    return content
