"""Arrays, bytes and open files that are given as photographs."""

import io

import numpy as np
import pytest
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.photographs import read_photograph

RGB = np.array([[[255, 0, 0], [0, 51, 255]]], np.uint8)


def encode(array: np.ndarray, format: str = 'PNG') -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, format)
    return file.getvalue()


def test_rgb_is_returned_unchanged_and_grey_is_repeated():
    assert read_photograph(RGB) is RGB
    grey = np.array([[0, 77], [9, 255]], np.uint8)
    for array in (grey, grey[..., None]):
        np.testing.assert_array_equal(read_photograph(array), np.stack([grey] * 3, -1))


def test_transparent_pixels_of_arrays_are_put_on_white_as_those_of_pictures():
    alpha = np.arange(256, dtype=np.uint8)[:, None, None]
    colour = np.random.default_rng(0).integers(0, 256, (256, 1, 3), np.uint8)
    rgba = np.concatenate([colour, alpha], -1)
    actual = read_photograph(rgba)
    np.testing.assert_array_equal(actual[[0, 255]], [[[255] * 3], colour[255]])
    picture = read_photograph(Image.fromarray(rgba))
    assert np.abs(actual.astype(int) - picture).max() <= 1  # Pillow rounds otherwise
    np.testing.assert_array_equal(picture, read_photograph(encode(rgba)))


@pytest.mark.parametrize(
    ('array', 'advice'),
    [
        (np.zeros((4, 5, 3), np.float32), r'float32 \(4, 5, 3\).*255 \* array'),
        (np.full((4, 5, 3), 255.0), 'float64.*scale'),
        (np.full((4, 5), 300, np.uint16), 'uint16.*257'),
        (np.zeros((4, 5, 3), bool), 'bool'),
        (np.zeros((3, 40, 50), np.uint8), r'\(3, 40, 50\).*transpose'),
        (np.zeros((2, 4, 5, 3), np.uint8), r'\(2, 4, 5, 3\).*list'),
        (np.zeros((4, 5, 2), np.uint8), r'\(4, 5, 2\)'),
        (np.zeros((0, 5, 3), np.uint8), r'\(0, 5, 3\)'),
    ],
)
def test_other_arrays_are_refused_with_what_to_do(array, advice):
    with pytest.raises(UserError, match=advice):
        read_photograph(array)


def test_bytes_and_open_files_are_read(tmp_path):
    path = tmp_path / 'a.png'
    path.write_bytes(encode(RGB))
    with path.open('rb') as file:
        for source in (path.read_bytes(), io.BytesIO(path.read_bytes()), file):
            np.testing.assert_array_equal(read_photograph(source), RGB)
        with pytest.raises(UserError, match=f'{path}: .*seek'):
            read_photograph(file)
    with path.open(encoding='latin1') as text, pytest.raises(UserError, match=f"{path}: .*'rb'"):
        read_photograph(text)  # pyright: ignore[reportArgumentType]
    with pytest.raises(UserError, match='the bytes'):
        read_photograph(b'not a picture')
