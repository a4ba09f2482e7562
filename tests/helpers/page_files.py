"""Files that visitors upload: small files that take much time or memory, or are no pictures."""

import io
import struct

import numpy as np
from PIL import Image


def many_scans(side: int, scans: int) -> bytes:
    """A progressive JPEG file with its last scan repeated: each scan visits every pixel."""
    file = io.BytesIO()
    Image.new('L', (side, side), 77).save(file, 'JPEG', progressive=True)
    content = file.getvalue()
    last = content.rindex(b'\xff\xda')  # start of scan
    end = content.rindex(b'\xff\xd9')
    return content[:last] + content[last:end] * scans + content[end:]


def large() -> bytes:
    """A PNG file of 8000 x 8000 transparent pixels, which takes seconds to be read."""
    file = io.BytesIO()
    Image.new('RGBA', (8000, 8000)).save(file, 'PNG')
    return file.getvalue()


def giant_tile() -> bytes:
    """A TIFF file of 16 x 16 pixels in a tile of 20,000 x 20,000 pixels, 1.2 GB."""
    tags = {
        256: 16, 257: 16, 258: 8, 259: 5, 262: 2, 277: 3, 284: 1,  # sizes, 8 bits, LZW, RGB
        322: 20_000, 323: 20_000, 324: 8, 325: 9,  # sizes, offset and length of the tile
    }  # fmt: skip
    entries = b''.join(struct.pack('<HHII', tag, 4, 1, value) for tag, value in tags.items())
    return struct.pack('<2sHIH', b'II', 42, 8, len(tags)) + entries + bytes(4)


def huge_size() -> bytes:
    """A BMP file of one pixel that claims to have 10,000 x 10,000."""
    file = io.BytesIO()
    Image.new('L', (1, 1)).save(file, 'BMP')
    content = bytearray(file.getvalue())
    content[18:26] = struct.pack('<ii', 10_000, 10_000)
    return bytes(content)


def photograph(seed: int = 0) -> bytes:
    """An ordinary small JPEG file."""
    noise = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize((400, 300)).save(file, 'JPEG')
    return file.getvalue()


EPS = b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{} loop\n'
PLAYLIST = b'#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\nhttp://127.0.0.1:1/a.ts\n#EXT-X-ENDLIST\n'


def attacks() -> dict[str, bytes]:
    """All attacks by file name."""
    return {
        'scans.jpg': many_scans(4000, 4000),
        'large.png': large(),
        'tile.tif': giant_tile(),
        'eps.png': EPS,
        'size.bmp': huge_size(),
        'playlist.mp4': PLAYLIST,
    }
