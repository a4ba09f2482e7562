"""Slices of arrays in HDF5 files, which are read in another process."""

import pathlib

import h5py
import numpy as np
import pytest

from helpers import hostile_files
from ubernet_jax.hdf5_arrays import read_slice


@pytest.fixture
def path(tmp_path) -> pathlib.Path:
    with h5py.File(tmp_path / 'a.mat', 'w') as file:
        file['stack'] = np.arange(24).reshape(2, 3, 4)
        file['#refs#'] = 1
    return tmp_path / 'a.mat'


def test_a_slice_is_read(path):
    np.testing.assert_array_equal(read_slice(path, 'stack', 1), np.arange(12, 24).reshape(3, 4))


def test_what_is_missing_is_told(path):
    with pytest.raises(KeyError, match=r"\['stack'\]"):
        read_slice(path, 'depths', 0)
    with pytest.raises(IndexError, match='^2$'):
        read_slice(path, 'stack', 2)


def test_an_array_without_content_is_read(tmp_path):
    path = tmp_path / 'a.mat'
    path.write_bytes(hostile_files.hdf5((4000, 10, 10), (4000, 10, 10)))
    assert read_slice(path, 'stack', 0).shape == (10, 10)


@pytest.mark.parametrize(
    ('content', 'error'),
    [
        (hostile_files.hdf5((4, 30_000, 24_000)), ValueError),
        (hostile_files.hdf5((400_000, 10, 10), (400_000, 10, 10)), ValueError),
        (hostile_files.hdf5_text(), TypeError),
        (hostile_files.hdf5(()), TypeError),
        (b'MATLAB 7.3', OSError),
    ],
)
def test_a_hostile_file_is_refused(content, error, tmp_path):
    path = tmp_path / 'a.mat'
    path.write_bytes(content)
    with pytest.raises(error):
        read_slice(path, 'stack', 0)
