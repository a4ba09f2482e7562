"""MATLAB files of version 5 that are too large when decompressed, or nested, are refused."""

import numpy as np
import pytest

from helpers.hostile_files import (
    mat,
    mat_bytes,
    mat_cells,
    mat_compressed,
    mat_elements,
    mat_nested,
)
from ubernet_jax.metrics.matlab import load_matlab
from ubernet_jax.metrics.metric import MetricError


def test_variables_are_read(tmp_path):
    path = tmp_path / 'a.mat'
    path.write_bytes(mat(mat_compressed(mat_bytes(3)), mat_bytes(2, b'b')))
    variables = load_matlab(path)
    np.testing.assert_array_equal(variables['a'], np.zeros((1, 3)))
    np.testing.assert_array_equal(variables['b'], np.zeros((1, 2)))
    path.write_bytes(mat(mat_nested(20)))
    assert load_matlab(path)['a'].shape == (1, 1)


def many() -> bytes:
    """Three variables, each below the limit of values."""
    return mat(*[mat_compressed(mat_bytes(2**25, b'a%d' % number)) for number in range(3)])


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (many(), '67,108,864 values'),
        (mat(mat_nested(300)), 'depth'),
        (mat(mat_nested(5000)), 'depth'),
        (mat(mat_compressed(mat_compressed(mat_bytes(1)))), 'type 15'),
    ],
)
def test_a_hostile_file_is_refused(content, message, tmp_path):
    path = tmp_path / 'a.mat'
    path.write_bytes(content)
    with pytest.raises(MetricError, match=rf'a\.mat.*{message}'):
        load_matlab(path)


@pytest.mark.parametrize('variable', [mat_cells(1000), mat_elements(1000)])
def test_the_number_of_elements_is_limited(variable, tmp_path, monkeypatch):
    monkeypatch.setattr('ubernet_jax.metrics.matlab._MAX_ELEMENTS', 1000)
    path = tmp_path / 'a.mat'
    path.write_bytes(mat(mat_compressed(variable)))
    with pytest.raises(MetricError, match=r'a\.mat.*1,000 elements'):
        load_matlab(path)


def test_the_decompressed_size_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr('ubernet_jax.metrics.matlab._MAX_BYTES', 10_000)
    path = tmp_path / 'a.mat'
    path.write_bytes(
        mat(*[mat_compressed(mat_bytes(4000, b'a%d' % number)) for number in range(3)])
    )
    with pytest.raises(MetricError, match=r'a\.mat.*10,000 bytes'):
        load_matlab(path)
