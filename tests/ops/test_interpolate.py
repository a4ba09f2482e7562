"""Interpolation with aligned corners: upsampling, subsampling and resizing are consistent."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ubernet_jax.ops.interpolate import interpolation_matrix, resize, subsample, upsample_2x

jit_upsample = jax.jit(upsample_2x)


def test_upsampling_keeps_the_nodes_and_inserts_means():
    x = jnp.array([[0.0, 2.0], [4.0, 8.0]]).reshape(1, 2, 2, 1)
    np.testing.assert_array_equal(jit_upsample(x)[0, :, :, 0], [[0, 1, 2], [2, 3.5, 5], [4, 6, 8]])


def test_upsampling_three_times_equals_resizing_once():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    fine = jit_upsample(jit_upsample(jit_upsample(x)))
    assert fine.shape == (2, 17, 25, 5)
    for coarse, result in zip(x, fine, strict=True):
        np.testing.assert_allclose(result, resize(coarse, (17, 25)), atol=1e-6)


@pytest.mark.parametrize('size', [(1, 1), (1, 3), (4, 2)])
def test_subsampling_inverts_upsampling(size):
    x = jnp.array(np.random.default_rng(1).normal(size=(2, *size, 3)), jnp.float32)
    np.testing.assert_array_equal(subsample(jit_upsample(x), 2), x)


def test_subsampling_works_for_arrays_without_channels():
    x = jnp.arange(81).reshape(1, 9, 9)
    np.testing.assert_array_equal(subsample(x, 8), [[[0, 8], [72, 80]]])
    assert subsample(x, 1) is x


@pytest.mark.parametrize(('source', 'target'), [(5, 9), (9, 5), (3, 3), (7, 16), (16, 7), (1, 4)])
def test_the_matrix_interpolates_like_numpy(source, target):
    values = np.random.default_rng(2).normal(size=source)
    expected = np.interp(np.linspace(0, source - 1, target), np.arange(source), values)
    matrix = interpolation_matrix(source, target)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix @ values, expected, atol=1e-6)


def test_literal_matrices():
    np.testing.assert_array_equal(interpolation_matrix(2, 3), [[1, 0], [0.5, 0.5], [0, 1]])
    np.testing.assert_array_equal(interpolation_matrix(5, 2), [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1]])
    np.testing.assert_array_equal(interpolation_matrix(3, 1), [[1, 0, 0]])
    np.testing.assert_array_equal(interpolation_matrix(1, 2), [[1], [1]])


def test_resizing_preserves_a_plane():
    row, column = np.mgrid[0:6, 0:11].astype(np.float32)
    plane = np.stack([row / 5, column / 10], -1)
    row, column = np.mgrid[0:21, 0:4]
    resized = resize(plane, (21, 4))
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, np.stack([row / 20, column / 3], -1), atol=1e-6)
