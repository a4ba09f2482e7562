"""Pooling against literal windows, `scipy.ndimage` and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from ubernet_jax.ops.custom_vjp.max_pool import max_pool
from ubernet_jax.ops.pooling import average_pool

SQUARE = jnp.arange(1.0, 10).reshape(1, 3, 3, 1)


def test_maximum_of_literal_windows():
    np.testing.assert_array_equal(max_pool(SQUARE, 2)[0, :, :, 0], [[5, 6], [8, 9]])
    np.testing.assert_array_equal(
        max_pool(-SQUARE, 1)[0, :, :, 0], [[-1, -1, -2], [-1, -1, -2], [-4, -4, -5]]
    )


def test_zeros_outside_count_in_the_mean():
    np.testing.assert_allclose(
        average_pool(SQUARE, 2)[0, :, :, 0] * 9, [[12, 16], [24, 28]], rtol=1e-6
    )


def test_even_windows_reach_right_and_down():
    np.testing.assert_array_equal(max_pool(-SQUARE, 2, window=2)[0, :, :, 0], [[-1, -3], [-7, -9]])
    np.testing.assert_array_equal(max_pool(SQUARE, 2, window=2)[0, :, :, 0], [[5, 6], [8, 9]])
    even = max_pool(SQUARE[:, :2], 2, window=2)  # needs no padding
    np.testing.assert_array_equal(even[0, :, :, 0], [[5, 6]])


def test_windows_of_one_pixel_change_nothing():
    np.testing.assert_array_equal(max_pool(SQUARE, 1, window=1), SQUARE)


@pytest.mark.parametrize('stride', [1, 2, 4])
def test_pooling_is_filtering_and_subsampling(stride):
    x = np.random.default_rng(0).normal(size=(2, 9, 17, 3)).astype(np.float32)
    window = (1, 3, 3, 1)
    largest = scipy.ndimage.maximum_filter(x, window, mode='constant', cval=-np.inf)
    mean = scipy.ndimage.uniform_filter(x, window, mode='constant')
    kept = np.s_[:, ::stride, ::stride]
    np.testing.assert_array_equal(max_pool(x, stride), largest[kept])
    np.testing.assert_allclose(average_pool(x, stride), mean[kept], atol=1e-6)


def test_ties_share_the_gradient():
    x = jnp.array([0.0, 7, 7, 0]).reshape(1, 1, 4, 1)
    gradient = jax.grad(lambda x: max_pool(x, 4).sum() + max_pool(x, 2)[0, 0, 1, 0])(x)
    # The first window sees one of the two sevens, the second both.
    np.testing.assert_array_equal(gradient.ravel(), [0, 1.5, 0.5, 0])


def test_the_gradient_goes_to_the_largest():
    x = np.random.default_rng(1).permutation(45).reshape(1, 5, 9, 1).astype(np.float32)
    weights = np.random.default_rng(2).normal(size=(1, 3, 5, 1)).astype(np.float32)
    gradient = jax.grad(lambda x: (max_pool(x, 2) * weights).sum())(jnp.array(x))
    wanted = np.zeros((7, 11))
    padded = np.pad(x[0, :, :, 0], 1, constant_values=-np.inf)
    for row in range(3):
        for column in range(5):
            window = padded[2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            top, left = np.unravel_index(window.argmax(), (3, 3))
            wanted[2 * row + top, 2 * column + left] += weights[0, row, column, 0]
    np.testing.assert_allclose(gradient[0, :, :, 0], wanted[1:-1, 1:-1], atol=1e-6)


@pytest.mark.parametrize(('stride', 'window'), [(1, 2), (1, 3), (2, 2), (2, 3), (4, 3)])
def test_the_gradient_is_that_of_the_reduced_windows(stride, window):
    x = np.random.default_rng(3).permutation(2 * 9 * 13 * 3).reshape(2, 9, 13, 3)
    x = jnp.asarray(x, jnp.float32)

    def reduced(x: jax.Array) -> jax.Array:
        reach = ((window - 1) // 2, window // 2)
        sides, steps = (1, window, window, 1), (1, stride, stride, 1)
        padding = ((0, 0), reach, reach, (0, 0))
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, sides, steps, padding)

    wanted, pull = jax.vjp(reduced, x)
    result, own_pull = jax.vjp(lambda x: max_pool(x, stride, window), x)
    weights = jax.random.normal(jax.random.PRNGKey(0), wanted.shape)
    np.testing.assert_array_equal(result, wanted)
    np.testing.assert_allclose(own_pull(weights)[0], pull(weights)[0], atol=1e-6)


def test_the_backward_pass_keeps_the_argument_and_the_result():
    x = jax.ShapeDtypeStruct((1, 65, 65, 8), jnp.float32)
    pull = jax.eval_shape(lambda x: jax.vjp(lambda x: max_pool(x, 2), x)[1], x)
    assert sorted(leaf.shape for leaf in jax.tree.leaves(pull)) == [(1, 33, 33, 8), (1, 65, 65, 8)]
