"""Photographs of visitors: what takes long or much memory is ended."""

import pathlib
import re

import numpy as np
import pytest
from PIL import Image

from helpers import page_files
from ubernet_jax.errors import UserError
from ubernet_jax.inference.page import photograph
from ubernet_jax.inference.page.photograph import SIDE, read_visitors_photograph


def test_a_large_photograph_is_scaled_down(tmp_path):
    Image.new('RGB', (2 * SIDE, SIDE), (9, 8, 7)).save(tmp_path / 'photo.png')
    image = read_visitors_photograph(tmp_path / 'photo.png')
    assert image.shape == (SIDE // 2, SIDE, 3)
    assert image.dtype == np.uint8
    assert np.unique(image.reshape(-1, 3), axis=0).tolist() == [[9, 8, 7]]


def refusal(path: pathlib.Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(UserError, match=path.name) as error:
        read_visitors_photograph(path)
    assert str(path.parent) not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize('name', ['tile.tif', 'eps.png', 'size.bmp', 'playlist.mp4'])
def test_an_attack_is_refused_by_its_name_without_a_folder(tmp_path, name):
    files = {
        'tile.tif': page_files.giant_tile(),
        'eps.png': page_files.EPS,
        'size.bmp': page_files.huge_size(),
        'playlist.mp4': page_files.PLAYLIST,
    }
    refusal(tmp_path / name, files[name])


def test_a_photograph_that_takes_long_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(photograph, 'SECONDS', 1)  # a large photograph takes longer
    assert re.search(
        r'1 s of processor time|4 s', refusal(tmp_path / 'large.png', page_files.large())
    )
