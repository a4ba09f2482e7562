"""Refuses pictures that would take far more time or memory than their pixels need.

A small file can declare thousands of scans, segments or chunks, or tiles that are larger than the
picture, or tags that all have the same long value. Pillow limits only the number of pixels and the
size of texts.
"""

import re
import struct

from PIL import Image, ImageFile, TiffImagePlugin

MAX_PIXELS = 64_000_000  # 192 MB as RGB; larger pictures count as decompression bombs
_SCANS = 32  # of a JPEG; encoders write up to 18
_PARTS = 100_000  # segments of a JPEG, chunks of a PNG
_GIF_BYTES = 2**24  # the blocks of a GIF are read one by one, in Python
_TAG_BYTES = 2**28  # of the values of the tags of a TIFF or of EXIF data
_BYTE_ORDERS = {b'II*\0': '<', b'MM\0*': '>'}  # of a TIFF, by how it starts
_TYPE_BYTES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}  # other types: 1
_END_OF_IMAGE, _START_OF_SCAN = b'\xd9', b'\xda'
# Other markers have no length, and are skipped within a scan.
_MARKER = re.compile(rb'\xff([\x02-\xcf\xd8-\xfe])')
# Of Pillow's decoders; others are slow, because they are in Python, or allocate any size.
_DECODERS = {'gif', 'jpeg', 'libtiff', 'raw', 'zip'}


def check_content(content: bytes) -> None:
    """Raises a ValueError if a file, which need not be a picture, has too many parts.

    It takes 0.03 ms for a photograph of 44 kB, whose parts are not visited.
    """
    if content.startswith(b'\xff\xd8'):
        _check_jpeg(content)
    elif content.startswith(b'\x89PNG'):
        _check_png(content)
    elif content.startswith(b'GIF8') and len(content) > _GIF_BYTES:
        raise ValueError(f'a GIF of {len(content):,} bytes; at most {_GIF_BYTES:,} are read')
    elif content.startswith((b'II+\0', b'MM\0+')):
        raise ValueError('a BigTIFF')
    else:
        _check_tags(content)


def check_opened(image: Image.Image) -> None:
    """Raises a ValueError if an open picture would be decoded in unlimited time or memory."""
    assert isinstance(image, ImageFile.ImageFile)  # it was opened from a file
    unusual = {tile.codec_name for tile in image.tile} - _DECODERS
    if unusual:
        raise ValueError(f'an unusual variant of {image.format}, decoded by {min(unusual)}')
    _check_tags(image.info.get('exif', b'').removeprefix(b'Exif\0\0'))
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _check_tiles(image)


def _check_jpeg(content: bytes) -> None:
    """Visits the segments of a JPEG only if there may be too many."""
    many_scans = content.count(b'\xff' + _START_OF_SCAN + b'\0') > _SCANS  # with a length below 256
    if not many_scans and len(content) < 4 * _PARTS:
        return
    position, scans = 2, 0
    for _ in range(_PARTS):
        marker = _MARKER.search(content, position)
        if marker is None or marker[1] == _END_OF_IMAGE:
            return
        if marker[1] == _START_OF_SCAN:
            scans += 1
            if not many_scans:
                return
            if scans > _SCANS:
                raise ValueError(f'more than {_SCANS} scans, each of which takes time')
        position = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2], 'big')
    raise ValueError(f'more than {_PARTS} segments')


def _check_png(content: bytes) -> None:
    position = 8  # after the signature
    for _ in range(_PARTS):
        position += 12 + int.from_bytes(content[position : position + 4], 'big')
        if position >= len(content):
            return
    raise ValueError(f'more than {_PARTS} chunks')


def _check_tags(content: bytes) -> None:
    """Adds up the values that Pillow 12 copies from the first directory of a TIFF or EXIF data."""
    order = _BYTE_ORDERS.get(content[:4])
    if order is None or len(content) < 8:
        return
    (start,) = struct.unpack_from(f'{order}I', content, 4)
    if start + 2 > len(content):
        return
    (tags,) = struct.unpack_from(f'{order}H', content, start)
    present = min(tags, (len(content) - start - 2) // 12)
    directory = content[start + 2 : start + 2 + 12 * present]
    total = sum(
        min(count * _TYPE_BYTES.get(kind, 1), len(content))  # it reads to the end at most
        for _, kind, count, _ in struct.iter_unpack(f'{order}HHII', directory)
    )
    if total > _TAG_BYTES:
        raise ValueError(f'tags of {total:,} bytes; at most {_TAG_BYTES:,} are read')


def _check_tiles(image: TiffImagePlugin.TiffImageFile) -> None:
    """Tiles may exceed the picture; all tiles together must not exceed twice the limit."""
    tags, pixels = image.tag_v2, 1
    for side_tag, tile_tag in (
        (TiffImagePlugin.IMAGEWIDTH, TiffImagePlugin.TILEWIDTH),
        (TiffImagePlugin.IMAGELENGTH, TiffImagePlugin.TILELENGTH),
    ):
        tile = max(1, tags.get(tile_tag, 1))
        pixels *= -(-tags[side_tag] // tile) * tile
    if pixels > 2 * MAX_PIXELS:
        raise ValueError(f'tiles of {pixels:,} pixels for {image.width} x {image.height} pixels')
