"""Interpolation with aligned corners: upsampling, subsampling and strips are consistent."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.interpolation import resize
from ubernet_jax.ops.interpolate import interpolate_strip, subsample, upsample_2x

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


@pytest.mark.parametrize('size', [(9, 5), (16, 7), (1, 1), (7, 40), (3, 4)])
def test_strips_are_parts_of_the_resized_array(size):
    x = np.random.default_rng(2).normal(size=(7, 9, 2)).astype(np.float32)
    strip = jax.jit(interpolate_strip, static_argnums=(1, 2), static_argnames=('rows', 'columns'))
    expected = resize(x, size)
    tops = np.arange(0, 16, 4, np.int32)
    parts = [strip(x, (7, 9), 1, np.int32(size), top, rows=4, columns=48) for top in tops]
    joined = np.concatenate(parts)
    height, width = size
    np.testing.assert_allclose(joined[:height, :width], expected, atol=1e-6)
    for row in joined[height:]:
        np.testing.assert_array_equal(row, joined[height - 1])
    np.testing.assert_array_equal(joined[:, -1], joined[:, width - 1])


def test_an_image_of_many_pixels_is_interpolated_exactly():
    """Position times length has more digits than a float32."""
    x = np.arange(961, dtype=np.float32).reshape(1, 961, 1)
    size, top = np.int32([1, 60_001]), np.int32(0)
    row = interpolate_strip(jnp.array(x), (1, 961), 1, size, top, rows=1, columns=60_001)[0, :, 0]
    np.testing.assert_allclose(row, np.linspace(0, 960, 60_001), atol=1e-4)


def test_a_plane_is_preserved():
    row, column = np.mgrid[0:6, 0:11].astype(np.float32)
    plane = jnp.array(np.stack([row / 5, column / 10], -1))
    row, column = np.mgrid[0:21, 0:4]
    resized = interpolate_strip(
        plane, (11, 21), 2, np.int32([21, 4]), np.int32(0), rows=21, columns=4
    )
    np.testing.assert_allclose(resized, np.stack([row / 20, column / 3], -1), atol=1e-6)
