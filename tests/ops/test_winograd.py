"""Winograd's algorithm, compared with XLA's convolution."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.convolutions import xla_convolve
from ubernet_jax.ops import winograd
from ubernet_jax.ops.custom_vjp.convolution import convolve


def random_array(*shape: int) -> jax.Array:
    return jnp.array(np.random.default_rng(sum(shape)).normal(size=shape), jnp.float32)


@pytest.mark.parametrize('dilation', [1, 2, 3])
@pytest.mark.parametrize('size', [(6, 8), (7, 5), (1, 2)])
def test_values_and_gradients_equal_those_of_xla(size, dilation):
    x, kernel, cotangent = (
        random_array(2, *size, 3),
        random_array(3, 3, 3, 4),
        random_array(2, *size, 4),
    )

    @jax.jit
    def expected(x, kernel, cotangent):
        value, pull_back = jax.vjp(lambda *args: xla_convolve(*args, dilation), x, kernel)
        return value, *pull_back(cotangent)

    @jax.jit
    def actual(x, kernel, cotangent):
        return (
            winograd.convolve(x, kernel, dilation),
            winograd.image_gradient(kernel, cotangent, dilation),
            winograd.kernel_gradient(x, kernel, cotangent, dilation),
        )

    for result, wanted in zip(
        actual(x, kernel, cotangent), expected(x, kernel, cotangent), strict=True
    ):
        np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-5)


def test_rounding_errors_are_those_of_a_plain_convolution():
    x, kernel = random_array(1, 12, 12, 256), random_array(3, 3, 256, 256)
    exact = np.zeros((12, 12, 256))
    padded = np.pad(np.asarray(x[0], np.float64), ((1, 1), (1, 1), (0, 0)))
    for row, column in np.ndindex(3, 3):
        exact += padded[row : row + 12, column : column + 12] @ np.asarray(
            kernel[row, column], np.float64
        )
    error = [np.abs(f(x, kernel, 1)[0] - exact).max() for f in (convolve, xla_convolve)]
    assert error[0] <= 3 * error[1]


@pytest.mark.parametrize(
    ('channels', 'side', 'pixels', 'dtype', 'products'),
    [
        ((256, 512), 3, 32, jnp.float32, 16),
        ((256, 512), 3, 8, jnp.float32, 0),
        ((256, 512), 3, 32, jnp.bfloat16, 0),
        ((256, 512), 1, 32, jnp.float32, 0),
        ((128, 256), 3, 32, jnp.float32, 0),
    ],
)
def test_it_is_used_where_it_is_faster(channels, side, pixels, dtype, products):
    x = jax.ShapeDtypeStruct((1, pixels, pixels, channels[0]), dtype)
    kernel = jax.ShapeDtypeStruct((side, side, *channels), dtype)
    program = jax.jit(convolve).trace(x, kernel).lower(lowering_platforms=('cpu',)).as_text()
    assert program.count('stablehlo.dot_general') == products
    program = jax.jit(convolve).trace(x, kernel).lower(lowering_platforms=('cuda',)).as_text()
    assert 'stablehlo.convolution' in program
