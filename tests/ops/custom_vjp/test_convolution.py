"""The convolutions are XLA's and `scipy.ndimage`'s, values and gradients."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
from jax import lax

from ubernet_jax.ops.conv_as_matmuls import conv_as_matmuls
from ubernet_jax.ops.custom_vjp import cpu_kernel_gradient
from ubernet_jax.ops.custom_vjp.convolution import convolve


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


def assert_equal(one, other, size: int) -> None:
    """Both functions of (x, kernel) have the same values and the same gradients."""
    x, kernel = random_arrays(size)

    @functools.partial(jax.jit, static_argnums=0)
    def value_and_gradients(function, x, kernel):
        value, gradients = jax.vjp(function, x, kernel)
        cotangent = jnp.cos(jnp.arange(value.size, dtype=jnp.float32)).reshape(value.shape)
        return value, *gradients(cotangent)

    arrays = [value_and_gradients(function, x, kernel) for function in (one, other)]
    for array, wanted in zip(*arrays, strict=True):
        np.testing.assert_allclose(array, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ('size', 'stride', 'dilation'),
    [(3, 1, 1), (3, 2, 2), (1, 2, 1), (5, 3, 2), (3, 1, 5), (3, 1, 12), (3, 2, 7)],
)
def test_conv_as_matmuls_is_convolution(size, stride, dilation):
    assert_equal(
        lambda *both: conv_as_matmuls(*both, dilation, stride),
        lambda *both: plain(*both, stride, dilation),
        size,
    )


@pytest.mark.parametrize(('size', 'dilation'), [(3, 1), (3, 2), (1, 1), (5, 1)])
@pytest.mark.parametrize('strip', [5000, 40, 1])
def test_convolution_in_strips_is_convolution(size, dilation, strip, monkeypatch):
    monkeypatch.setattr(cpu_kernel_gradient, '_STRIP_POSITIONS', strip)
    assert_equal(
        lambda *both: convolve(*both, dilation), lambda *both: plain(*both, 1, dilation), size
    )


def test_values_are_correlations():
    x, kernel = (array[..., :1] for array in random_arrays(3))
    spread = np.zeros((5, 5))
    spread[::2, ::2] = kernel[:, :, 0, 0]
    wanted = scipy.ndimage.correlate(np.array(x[0, ..., 0]), spread, mode='constant')
    found = conv_as_matmuls(x[..., :1], kernel[:, :, :1], stride=2, dilation=2)
    np.testing.assert_allclose(found[0, ..., 0], wanted[::2, ::2], atol=1e-5)


def test_conv_as_matmuls_inside_cond_is_without_convolutions():
    x, kernel = random_arrays(3)

    def gradients(x, kernel):
        return jax.grad(lambda *both: (conv_as_matmuls(*both, 2, 2) ** 2).sum(), (0, 1))(x, kernel)

    inside = jax.jit(lambda yes, *both: lax.cond(yes, gradients, lambda *both: both, *both))
    for array, wanted in zip(inside(True, x, kernel), jax.jit(gradients)(x, kernel), strict=True):
        np.testing.assert_allclose(array, wanted, rtol=1e-4, atol=1e-4)
    assert 'conv_general_dilated' not in str(jax.make_jaxpr(gradients)(x, kernel))


def test_a_large_kernel_gradient_is_in_strips_and_not_inside_control_flow():
    kernel = jnp.zeros((3, 3, 2, 2))

    def lower(width: int) -> jax.stages.Lowered:
        x = jnp.zeros((1, 120, width, 2))
        return jax.jit(jax.grad(lambda kernel: convolve(x, kernel).sum())).lower(kernel)

    assert ' conditional(' not in lower(100).compile().as_text()
    for width, strips in ((100, 10), (1000, 40)):  # no more than 40, for each is compiled
        assert lower(width).as_text().count('stablehlo.convolution') == strips
