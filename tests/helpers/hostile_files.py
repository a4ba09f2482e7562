"""Writes files that are valid or nearly so, and declare much more than they contain."""

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence

import h5py
from PIL import Image

BYTE, SHORT, LONG = 1, 3, 4  # types of TIFF's tags
_CELL, _DOUBLE, _BYTES = 1, 6, 9  # classes of MATLAB's arrays


def _grey(format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new('L', (16, 16), 128).save(buffer, format, **options)
    return buffer.getvalue()


def jpeg(*, scans: int = 6, comments: int = 0) -> bytes:
    """A progressive JPEG of 16 x 16 pixels, which repeats its last scan."""
    content = _grey('JPEG', progressive=True)
    last = content.rindex(b'\xff\xda')
    repeated = max(0, scans - content.count(b'\xff\xda')) * content[last:-2]
    return content[:2] + b'\xff\xfe\0\2' * comments + content[2:-2] + repeated + content[-2:]


def png(*, chunks: int) -> bytes:
    """A PNG with empty private chunks."""
    content, end = _grey('PNG'), 8 + 25  # after the header
    chunk = struct.pack('>I4sI', 0, b'prVt', zlib.crc32(b'prVt'))
    return content[:end] + chunk * chunks + content[end:]


def png_header(width: int, height: int) -> bytes:
    """The start of a PNG with this size."""
    header = b'IHDR' + struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack('>I', 13) + header + struct.pack('>I', zlib.crc32(header))
    return b'\x89PNG\r\n\x1a\n' + chunk + struct.pack('>I', 0) + b'IDAT' + bytes(4)


def gif(*, comment: int) -> bytes:
    """A GIF with a comment of that many bytes, in blocks of a byte."""
    content = _grey('GIF')
    start = content.index(b',')  # of the image
    return content[:start] + b'!\xfe' + b'\1x' * comment + b'\0' + content[start:]


def tiff(tile: tuple[int, int], *, compression: int = 8) -> bytes:
    """A TIFF of 16 x 16 pixels in a tile of this width and height."""
    pixels = bytes(min(2**20, tile[0] * tile[1]))
    data = zlib.compress(pixels) if compression == 8 else pixels
    values = {256: 16, 257: 16, 258: 8, 259: compression, 262: 1, 277: 1, 322: tile[0],
              323: tile[1], 324: 8 + 2 + 12 * 10 + 4, 325: len(data)}  # fmt: skip
    entries = b''.join(struct.pack('<HHII', tag, LONG, 1, values[tag]) for tag in sorted(values))
    return b'II*\0' + struct.pack('<IH', 8, len(values)) + entries + bytes(4) + data


def exif(tags: int, size: int) -> bytes:
    """EXIF data whose tags share their values: that many tags of `size` bytes."""
    values = 8 + 2 + 12 * tags + 4
    entries = (struct.pack('<HHII', 2000 + i, SHORT, size // 2, values) for i in range(tags))
    body = struct.pack('<H', tags) + b''.join(entries) + bytes(4) + bytes(size)
    return b'II*\0' + struct.pack('<I', 8) + body


def bmp_runs(width: int, height: int, runs: bytes) -> bytes:
    """A BMP of run-length encoded pixels."""
    fields = 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0
    header = struct.pack('<IiiHHIIiiII', *fields) + bytes(1024)
    return b'BM' + struct.pack('<IHHI', 0, 0, 0, 14 + len(header)) + header + runs


def ppm(*, largest: int) -> bytes:
    """A PPM of 2 x 2 pixels whose values are 0 to `largest`."""
    return b'P6 2 2 %d\n' % largest + bytes(12)


def npy(dtype: str, shape: str, content: bytes = b'') -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}"
    text = header.ljust(117).encode() + b'\n'
    return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(text)) + text + content


def npz(*members: bytes, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', compression) as archive:
        for number, member in enumerate(members):
            archive.writestr(f'a{number}.npy', member)
    return buffer.getvalue()


def mat(*variables: bytes) -> bytes:
    """A MATLAB file of version 5."""
    return b'MATLAB 5.0 MAT-file'.ljust(124) + b'\0\1IM' + b''.join(variables)


def mat_compressed(*variables: bytes) -> bytes:
    content = zlib.compress(b''.join(variables), 9)
    return struct.pack('<II', 15, len(content)) + content


def mat_bytes(size: int, name: bytes = b'a') -> bytes:
    """A variable: zeros uint8 (1, size)."""
    return _array(_BYTES, (1, size), _element(2, bytes(size)), name=name)


def mat_nested(depth: int) -> bytes:
    """A variable: a number in that many cells, each in the next."""
    array = _array(_DOUBLE, (1, 1), _element(9, struct.pack('<d', 1)))
    for _ in range(depth):
        array = _array(_CELL, (1, 1), array)
    return array


def mat_cells(number: int) -> bytes:
    """A variable: a cell array of empty arrays."""
    return _array(_CELL, (number, 1), _element(14, b'') * number)


def mat_elements(number: int) -> bytes:
    """A variable: a number followed by that many elements, which do not belong to it."""
    return _array(_BYTES, (1, 1), _element(2, b'') * number)


def _array(kind: int, shape: Sequence[int], *elements: bytes, name: bytes = b'a') -> bytes:
    start = _element(6, struct.pack('<II', kind, 0)) + _element(5, struct.pack('<2i', *shape))
    return _element(14, start + _element(1, name) + b''.join(elements))


def _element(kind: int, content: bytes) -> bytes:
    return struct.pack('<II', kind, len(content)) + content + bytes(-len(content) % 8)


def hdf5(shape: Sequence[int], chunks: Sequence[int] | None = None, dtype: str = 'f8') -> bytes:
    """An HDF5 file whose array `stack` of any size has no content."""
    buffer = io.BytesIO()
    with h5py.File(buffer, 'w') as file:
        file.create_dataset('stack', shape=tuple(shape), chunks=chunks, dtype=dtype)
    return buffer.getvalue()


def hdf5_text() -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, 'w') as file:
        file.create_dataset('stack', data=[b'a'], dtype=h5py.string_dtype())
    return buffer.getvalue()


def laughing_xml(levels: int) -> bytes:
    """An annotation of VOC with a name of 10 ** `levels` letters."""
    entities = '<!ENTITY x0 "x">' + ''.join(
        f'<!ENTITY x{level} "{f"&x{level - 1};" * 10}">' for level in range(1, levels + 1)
    )
    name = f'<name>&x{levels};</name>'
    return f'<!DOCTYPE a [{entities}]><annotation><object>{name}</object></annotation>'.encode()


def nested(opening: bytes, closing: bytes, depth: int, inside: bytes = b'') -> bytes:
    return opening * depth + inside + closing * depth
