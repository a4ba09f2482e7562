"""Picture files that cannot be read, or are too large, are refused with the name of the file."""

import re
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.photographs import (
    read_photograph,
)


def _write_header_of(path, width, height):
    """Writes a BMP whose header claims a size without the pixels, like a decompression bomb."""
    Image.new('L', (1, 1)).save(path)
    content = bytearray(path.read_bytes())
    content[18:26] = struct.pack('<ii', width, height)
    path.write_bytes(content)


@pytest.mark.filterwarnings('ignore::PIL.Image.DecompressionBombWarning')
@pytest.mark.parametrize('height', [6401, 10_000_000])  # Pillow itself refuses the second
def test_too_many_pixels(tmp_path, height):
    _write_header_of(tmp_path / 'bomb.bmp', 10_000, height)
    with pytest.raises(UserError, match=r'bomb\.bmp.*64 million pixels'):
        read_photograph(tmp_path / 'bomb.bmp')


@pytest.mark.filterwarnings('ignore::PIL.Image.DecompressionBombWarning')
def test_100_megapixels_in_a_small_file(tmp_path):
    Image.new('1', (10_000, 10_000)).save(tmp_path / 'large.png')
    assert (tmp_path / 'large.png').stat().st_size < 100_000
    with pytest.raises(UserError, match=r'large\.png.*64 million.*10000 x 10000'):
        read_photograph(tmp_path / 'large.png')


def _write_missing(path):
    pass


def _write_empty(path):
    path.touch()


def _write_text(path):
    path.write_text('not a picture')


def _write_zip(path):
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('inside.jpg', b'ignored')


def _write_postscript(path):
    Image.new('RGB', (2, 2)).save(path, format='eps')  # Pillow would run Ghostscript on it


def _write_truncated(path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path, format='jpeg')
    path.write_bytes(path.read_bytes()[:2000])


def _write_floats(path):
    Image.fromarray(np.zeros((2, 2), np.float32)).save(path, format='tiff')


def _write_32_bits(path):
    Image.fromarray(np.full((2, 2), 1 << 20, np.int32)).save(path, format='tiff')


@pytest.mark.parametrize(
    ('write', 'message'),
    [
        (_write_missing, 'no such file'),
        (lambda path: path.mkdir(), 'not a regular file'),
        (_write_empty, 'UnidentifiedImageError'),
        (_write_text, 'UnidentifiedImageError'),
        (_write_zip, 'UnidentifiedImageError'),
        (_write_postscript, 'UnidentifiedImageError'),
        (_write_truncated, 'truncated'),
        (_write_floats, 'floating-point'),
        (_write_32_bits, '1048576'),
    ],
)
def test_the_error_for_an_unreadable_file_names_it(tmp_path, write, message):
    path = tmp_path / 'bad.jpg'
    write(path)
    with pytest.raises(UserError, match=re.escape(str(path)) + '.*' + message):
        read_photograph(path)
