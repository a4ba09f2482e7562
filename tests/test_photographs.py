"""Picture files of unusual formats, written with Pillow, are read as a viewer shows them."""

import ast
import io
import pathlib
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image

import ubernet_jax
from ubernet_jax.errors import UserError
from ubernet_jax.photographs import (
    STORED_FORMATS,
    Exif,
    find_photographs,
    open_stored,
    read_labelled,
    read_photograph,
)

RED_THEN_BLUE = np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8)  # 1 x 2


def _check_only_pixel(path, expected):
    photograph = read_photograph(path)
    assert photograph.dtype == np.uint8
    np.testing.assert_array_equal(photograph, np.array([[expected]], np.uint8))


def test_rgb_is_returned_unchanged(tmp_path):
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    Image.fromarray(pixels).save(tmp_path / 'rgb.png')
    photograph = read_photograph(tmp_path / 'rgb.png')
    assert photograph.dtype == np.uint8
    np.testing.assert_array_equal(photograph, pixels)


@pytest.mark.parametrize(
    ('orientation', 'expected'),
    [
        (1, [['red', 'blue']]),
        (2, [['blue', 'red']]),
        (3, [['blue', 'red']]),
        (6, [['red'], ['blue']]),
        (8, [['blue'], ['red']]),
    ],
)
def test_exif_rotation_is_applied(tmp_path, orientation, expected):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(RED_THEN_BLUE).save(tmp_path / 'rotated.png', exif=exif)
    colours = {'red': [255, 0, 0], 'blue': [0, 0, 255]}
    np.testing.assert_array_equal(
        read_photograph(tmp_path / 'rotated.png'),
        [[colours[name] for name in row] for row in expected],
    )


@pytest.mark.parametrize(
    ('mode', 'colour', 'expected'),
    [
        ('1', 1, (255, 255, 255)),
        ('L', 77, (77, 77, 77)),
        ('LA', (100, 255), (100, 100, 100)),
        ('LA', (100, 0), (255, 255, 255)),
        ('RGBA', (255, 0, 0, 255), (255, 0, 0)),
        ('RGBA', (255, 0, 0, 0), (255, 255, 255)),
        ('RGBA', (255, 0, 0, 51), (255, 204, 204)),  # a fifth of red, four fifths of white
        ('I;16', 0, (0, 0, 0)),
        ('I;16', 257, (1, 1, 1)),
        ('I;16', 32768, (128, 128, 128)),
        ('I;16', 65535, (255, 255, 255)),
    ],
)
def test_png_of_every_mode(tmp_path, mode, colour, expected):
    Image.new(mode, (1, 1), colour).save(tmp_path / 'pixel.png')
    _check_only_pixel(tmp_path / 'pixel.png', expected)


@pytest.mark.parametrize(
    ('colour', 'expected'),
    [((0, 0, 0, 0), (255, 255, 255)), ((0, 255, 255, 0), (255, 0, 0)), ((0, 0, 0, 255), (0, 0, 0))],
)
def test_cmyk_jpeg(tmp_path, colour, expected):
    Image.new('CMYK', (8, 8), colour).save(tmp_path / 'print.jpg', quality=100)
    photograph = read_photograph(tmp_path / 'print.jpg')
    assert np.abs(photograph.astype(int) - expected).max() <= 2  # JPEG is not exact


def test_palette_with_a_transparent_colour(tmp_path):
    image = Image.new('P', (2, 1))
    image.putpalette([10, 20, 30, 0, 200, 0])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / 'opaque.png')
    image.save(tmp_path / 'transparent.png', transparency=0)
    np.testing.assert_array_equal(
        read_photograph(tmp_path / 'opaque.png'), [[[10, 20, 30], [0, 200, 0]]]
    )
    np.testing.assert_array_equal(
        read_photograph(tmp_path / 'transparent.png'), [[[255, 255, 255], [0, 200, 0]]]
    )


def test_rgb_with_a_transparent_colour(tmp_path):
    Image.fromarray(RED_THEN_BLUE).save(tmp_path / 'key.png', transparency=(255, 0, 0))
    np.testing.assert_array_equal(
        read_photograph(tmp_path / 'key.png'), [[[255, 255, 255], [0, 0, 255]]]
    )


def test_16_bit_grey_of_other_formats(tmp_path):
    grey = np.array([[0, 257 * 5, 257 * 200, 65535]], np.uint16)
    expected = np.repeat([[[0], [5], [200], [255]]], 3, axis=-1)
    for name in ('grey.tif', 'grey.pgm'):
        Image.fromarray(grey).save(tmp_path / name)
        np.testing.assert_array_equal(read_photograph(tmp_path / name), expected)


def test_16_bit_colour_png(tmp_path):
    """Pillow cannot write such a file, so its chunks are assembled manually."""

    def chunk(name, content):
        checksum = zlib.crc32(name + content)
        return struct.pack('>I', len(content)) + name + content + struct.pack('>I', checksum)

    header = struct.pack('>IIBBBBB', 1, 1, 16, 2, 0, 0, 0)  # 1 x 1, 16 bits, RGB
    pixels = zlib.compress(b'\0' + struct.pack('>HHH', 65535, 257 * 128, 0))
    (tmp_path / 'deep.png').write_bytes(
        b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', pixels) + chunk(b'IEND', b'')
    )
    _check_only_pixel(tmp_path / 'deep.png', (255, 128, 0))


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new('RGB', (1, 1), colour) for colour in ('red', 'blue')]
    frames[0].save(tmp_path / 'film.gif', save_all=True, append_images=frames[1:])
    _check_only_pixel(tmp_path / 'film.gif', (255, 0, 0))


def test_48_megapixels(tmp_path):
    Image.new('L', (8000, 6000), 9).save(tmp_path / 'large.png')
    assert read_photograph(tmp_path / 'large.png').shape == (6000, 8000, 3)


def test_folders_are_expanded_to_their_picture_files(tmp_path):
    for name in ('b.JPG', 'a.png', 'notes.txt', '._a.png'):
        (tmp_path / name).touch()
    single = tmp_path / 'elsewhere.raw'
    assert find_photographs([single, tmp_path]) == [
        single,
        tmp_path / 'a.png',
        tmp_path / 'b.JPG',
    ]
    (tmp_path / 'empty').mkdir()
    with pytest.raises(UserError, match='empty.* folder'):
        find_photographs([tmp_path / 'empty'])


@pytest.mark.parametrize('format', ['TIFF', 'GIF', 'WEBP'])
def test_a_stored_image_is_jpeg_or_png(format):
    for allowed in STORED_FORMATS:
        assert open_stored(_encode(allowed)).size == (8, 6)
    with pytest.raises(OSError):
        open_stored(_encode(format))


def _encode(format):
    buffer = io.BytesIO()
    Image.new('RGB', (8, 6)).save(buffer, format=format)
    return buffer.getvalue()


def test_an_orientation_that_pillow_always_applies_cannot_be_ignored(tmp_path):
    exif = Image.Exif()
    exif[0x112] = 6
    path = tmp_path / 'a.jpg'
    Image.new('RGB', (8, 6)).save(path, format='TIFF', exif=exif)
    assert read_labelled(path, Exif.APPLY).shape == (8, 6, 3)
    with pytest.raises(UserError, match=re.escape(str(path))):
        read_labelled(path, Exif.IGNORE)


def test_every_picture_is_opened_here_with_a_list_of_formats():
    """Pillow runs other programs for some formats, which is unsafe for files from outside."""
    package = pathlib.Path(ubernet_jax.__file__).parent
    calls = [
        (path.relative_to(package).as_posix(), {keyword.arg for keyword in node.keywords})
        for path in package.rglob('*.py')
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith('Image.open')
    ]
    assert calls and all(arguments == {'formats'} for _, arguments in calls), calls


def test_patterns_are_expanded_to_the_matching_files(tmp_path):
    for name in ('trip/b.jpg', 'trip/day/a.jpg', 'trip/c.png', '[1].jpg'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    matches = find_photographs([tmp_path / '**' / '*.jpg'])
    assert matches == [tmp_path / name for name in ('[1].jpg', 'trip/b.jpg', 'trip/day/a.jpg')]
    assert find_photographs([tmp_path / '[1].jpg']) == [tmp_path / '[1].jpg']
    with pytest.raises(UserError, match=r'\*\.webp'):
        find_photographs([tmp_path / '*.webp'])


def test_pillow_images_are_read_like_files():
    grey = Image.new('LA', (2, 1), (100, 255))
    np.testing.assert_array_equal(read_photograph(grey), np.full((1, 2, 3), 100))
    with pytest.raises(UserError, match='Pillow image.*floating-point'):
        read_photograph(Image.new('F', (2, 2)))


@pytest.mark.parametrize(
    'array',
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros(4, np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_arrays_of_another_dtype_or_shape_are_refused(array):
    message = rf'{array.dtype} {re.escape(str(array.shape))}.*uint8 \(height, width, 3\)'
    with pytest.raises(UserError, match=message):
        read_photograph(array)


def test_values_of_other_types_are_refused():
    for source in (5, None, iter([])):
        with pytest.raises(UserError, match=f'photograph.*{type(source).__name__}'):
            read_photograph(source)
