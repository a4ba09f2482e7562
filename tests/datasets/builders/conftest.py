"""Fixtures of the tests of builders."""

import pathlib

import pytest

from helpers.dataset_files import random_image
from helpers.described_folders import SHAPE


@pytest.fixture
def source(tmp_path) -> pathlib.Path:
    """`field`: a folder with one split of one image, without labels."""
    random_image(tmp_path / 'field' / 'train' / 'images' / 'a.png', *SHAPE)
    return tmp_path / 'field'
