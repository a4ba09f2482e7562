"""The convolution is XLA's and `scipy.ndimage`'s; its gradients are, but without convolutions."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from jax import lax

from ubernet_jax.ops.convolution import convolve


def random_arrays(size: int) -> tuple[jax.Array, jax.Array]:
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(2, 6, 9, 3)), rng.normal(size=(size, size, 3, 4))
    return jnp.array(x, jnp.float32), jnp.array(kernel, jnp.float32)


def plain(x: jax.Array, kernel: jax.Array, stride: int, dilation: int) -> jax.Array:
    """JAX's own, which pads so that at stride 1 the size stays, and is then subsampled."""
    same = lax.conv_general_dilated(
        x,
        kernel,
        (1, 1),
        'SAME',
        rhs_dilation=(dilation, dilation),
        dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    )
    return same[:, ::stride, ::stride]


@pytest.mark.parametrize(
    ('size', 'stride', 'dilation'), [(3, 1, 1), (3, 2, 2), (1, 2, 1), (5, 3, 2)]
)
def test_values_and_gradients_equal_plain_convolution(size, stride, dilation):
    x, kernel = random_arrays(size)
    cotangent = jnp.cos(jnp.arange(plain(x, kernel, stride, dilation).size, dtype=jnp.float32))

    @functools.partial(jax.jit, static_argnums=0)
    def value_and_gradients(convolution, x, kernel):
        value, gradients = jax.vjp(lambda *both: convolution(*both, stride, dilation), x, kernel)
        return value, *gradients(cotangent.reshape(value.shape))

    found = value_and_gradients(convolve, x, kernel)
    for array, wanted in zip(found, value_and_gradients(plain, x, kernel), strict=True):
        np.testing.assert_allclose(array, wanted, rtol=1e-4, atol=1e-4)


def test_values_are_correlations():
    x, kernel = (array[..., :1] for array in random_arrays(3))
    spread = np.zeros((5, 5))
    spread[::2, ::2] = kernel[:, :, 0, 0]
    wanted = scipy.ndimage.correlate(np.array(x[0, ..., 0]), spread, mode='constant')
    found = convolve(x[..., :1], kernel[:, :, :1], stride=2, dilation=2)
    np.testing.assert_allclose(found[0, ..., 0], wanted[::2, ::2], atol=1e-5)


def test_gradients_inside_cond_are_the_same_and_without_convolutions():
    x, kernel = random_arrays(3)

    def gradients(x, kernel):
        return jax.grad(lambda *both: (convolve(*both, 2, 2) ** 2).sum(), (0, 1))(x, kernel)

    inside = jax.jit(lambda yes, *both: lax.cond(yes, gradients, lambda *both: both, *both))
    for array, wanted in zip(inside(True, x, kernel), jax.jit(gradients)(x, kernel), strict=True):
        np.testing.assert_allclose(array, wanted, rtol=1e-4, atol=1e-4)
    # The one convolution of the value; the two of the gradients would be slow here.
    assert str(jax.make_jaxpr(gradients)(x, kernel)).count('= conv_general_dilated') == 1
