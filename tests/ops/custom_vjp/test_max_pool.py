"""Max pooling: literal values, `scipy.ndimage`, and the gradients of `lax.reduce_window`."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from helpers.host_programs import jit_to_host
from ubernet_jax.ops.custom_vjp.max_pool import max_pool

pytestmark = pytest.mark.slow

pool = jit_to_host(max_pool, static_argnames=('stride', 'window'))
SQUARE = np.arange(1, 10, dtype=np.float32).reshape(1, 3, 3, 1)


def test_maxima_of_literal_windows():
    np.testing.assert_array_equal(pool(SQUARE, 2)[0, :, :, 0], [[5, 6], [8, 9]])
    np.testing.assert_array_equal(
        pool(-SQUARE, 1)[0, :, :, 0], [[-1, -1, -2], [-1, -1, -2], [-4, -4, -5]]
    )


def test_windows_of_even_size_extend_to_the_right_and_down():
    np.testing.assert_array_equal(pool(-SQUARE, 2, window=2)[0, :, :, 0], [[-1, -3], [-7, -9]])
    np.testing.assert_array_equal(pool(SQUARE, 2, window=2)[0, :, :, 0], [[5, 6], [8, 9]])
    even = pool(SQUARE[:, :2], 2, window=2)  # needs no padding
    np.testing.assert_array_equal(even[0, :, :, 0], [[5, 6]])


def test_windows_of_one_pixel_change_nothing():
    np.testing.assert_array_equal(pool(SQUARE, 1, window=1), SQUARE)


@pytest.mark.parametrize('stride', [1, 2, 4])
def test_pooling_equals_filtering_and_subsampling(stride):
    x = np.random.default_rng(0).normal(size=(2, 9, 17, 3)).astype(np.float32)
    largest = scipy.ndimage.maximum_filter(x, (1, 3, 3, 1), mode='constant', cval=-np.inf)
    np.testing.assert_array_equal(pool(x, stride), largest[:, ::stride, ::stride])


def test_ties_share_the_gradient():
    x = np.float32([0, 7, 7, 0]).reshape(1, 1, 4, 1)
    gradient = jit_to_host(jax.grad(lambda x: max_pool(x, 4).sum() + max_pool(x, 2)[0, 0, 1, 0]))(x)
    # The first window contains one of the two sevens, the second contains both.
    np.testing.assert_array_equal(gradient.ravel(), [0, 1.5, 0.5, 0])


def test_the_gradient_flows_to_the_maximum():
    x = np.random.default_rng(1).permutation(45).reshape(1, 5, 9, 1).astype(np.float32)
    weights = np.random.default_rng(2).normal(size=(1, 3, 5, 1)).astype(np.float32)
    gradient = jit_to_host(jax.grad(lambda x: (max_pool(x, 2) * weights).sum()))(x)
    expected = np.zeros((7, 11))
    padded = np.pad(x[0, :, :, 0], 1, constant_values=-np.inf)
    for row in range(3):
        for column in range(5):
            window = padded[2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            top, left = np.unravel_index(window.argmax(), (3, 3))
            expected[2 * row + top, 2 * column + left] += weights[0, row, column, 0]
    np.testing.assert_allclose(gradient[0, :, :, 0], expected[1:-1, 1:-1], atol=1e-6)


@pytest.mark.parametrize(('stride', 'window'), [(1, 2), (1, 3), (2, 2), (2, 3), (4, 3)])
def test_value_and_gradient_equal_those_of_reduce_window(stride, window):
    rng = np.random.default_rng(3)
    x = rng.permutation(2 * 9 * 13 * 3).reshape(2, 9, 13, 3).astype(np.float32)

    def reduce_window(x: jax.Array) -> jax.Array:
        side_padding = ((window - 1) // 2, window // 2)
        sides, strides = (1, window, window, 1), (1, stride, stride, 1)
        padding = ((0, 0), side_padding, side_padding, (0, 0))
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, sides, strides, padding)

    weights = rng.normal(size=jax.eval_shape(reduce_window, x).shape).astype(np.float32)

    @jit_to_host
    def differentiate(x: jax.Array) -> list[tuple[jax.Array, jax.Array]]:
        pairs = []
        for function in (functools.partial(max_pool, stride=stride, window=window), reduce_window):
            value, pull_back = jax.vjp(function, x)
            pairs.append((value, pull_back(weights)[0]))
        return pairs

    (value, gradient), (expected_value, expected_gradient) = differentiate(x)
    np.testing.assert_array_equal(value, expected_value)
    np.testing.assert_allclose(gradient, expected_gradient, atol=1e-6)


def test_the_residuals_are_the_argument_and_the_result():
    x = jax.ShapeDtypeStruct((1, 65, 65, 8), jnp.float32)
    pull_back = jax.eval_shape(lambda x: jax.vjp(lambda x: max_pool(x, 2), x)[1], x)
    shapes = sorted(leaf.shape for leaf in jax.tree.leaves(pull_back))
    assert shapes == [(1, 33, 33, 8), (1, 65, 65, 8)]


def test_the_gradient_in_bfloat16_is_rounded_once_on_a_cpu():
    x = jnp.asarray(np.random.default_rng(4).integers(0, 9, (1, 9, 13, 3)), jnp.bfloat16)  # ties
    cotangent = jnp.cos(jnp.arange(5 * 7 * 3.0)).reshape(1, 5, 7, 3).astype(jnp.bfloat16)

    @jax.jit
    def gradient(x, cotangent):
        return jax.vjp(lambda x: max_pool(x, 2), x)[1](cotangent)[0]

    expected = gradient(x.astype(jnp.float32), cotangent.astype(jnp.float32))
    np.testing.assert_array_equal(gradient(x, cotangent), expected.astype(jnp.bfloat16))


def test_other_platforms_compute_the_gradient_in_bfloat16():
    x, cotangent = jnp.zeros((1, 9, 13, 3), jnp.bfloat16), jnp.zeros((1, 5, 7, 3), jnp.bfloat16)
    traced = jax.jit(lambda x, cotangent: jax.vjp(lambda x: max_pool(x, 2), x)[1](cotangent))
    lowered = [
        traced.trace(x, cotangent).lower(lowering_platforms=(platform,)).as_text()
        for platform in ('cpu', 'cuda')
    ]
    assert ['xf32>' in text for text in lowered] == [True, False]
