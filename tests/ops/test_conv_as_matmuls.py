"""The convolution by matrix products, compared with XLA's convolution and `scipy.ndimage`."""

import jax
import numpy as np
import pytest
import scipy.ndimage
from jax import lax

from helpers.convolutions import assert_same_values_and_gradients, random_arrays, xla_convolve
from ubernet_jax.ops.conv_as_matmuls import conv_as_matmuls


@pytest.mark.parametrize(
    ('size', 'stride', 'dilation'),
    [(3, 1, 1), (3, 2, 2), (1, 2, 1), (5, 3, 2), (3, 1, 5), (3, 1, 12), (3, 2, 7)],
)
def test_values_and_gradients_equal_those_of_xla(size, stride, dilation):
    assert_same_values_and_gradients(
        lambda x, kernel: conv_as_matmuls(x, kernel, dilation, stride),
        lambda x, kernel: xla_convolve(x, kernel, dilation, stride),
        size,
    )


def test_values_are_correlations():
    x, kernel = (array[..., :1] for array in random_arrays(3))
    dilated_kernel = np.zeros((5, 5))
    dilated_kernel[::2, ::2] = kernel[:, :, 0, 0]
    expected = scipy.ndimage.correlate(np.array(x[0, ..., 0]), dilated_kernel, mode='constant')
    result = conv_as_matmuls(x[..., :1], kernel[:, :, :1], stride=2, dilation=2)
    np.testing.assert_allclose(result[0, ..., 0], expected[::2, ::2], atol=1e-5)


def test_gradients_inside_cond_contain_no_convolutions():
    x, kernel = random_arrays(3)

    def gradients(x, kernel):
        def loss(x, kernel):
            return (conv_as_matmuls(x, kernel, 2, 2) ** 2).sum()

        return jax.grad(loss, (0, 1))(x, kernel)

    @jax.jit
    def inside_cond(condition, x, kernel):
        return lax.cond(condition, gradients, lambda *arrays: arrays, x, kernel)

    expected = jax.jit(gradients)(x, kernel)
    for gradient, wanted in zip(inside_cond(True, x, kernel), expected, strict=True):
        np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-4)
    assert 'conv_general_dilated' not in str(jax.make_jaxpr(gradients)(x, kernel))
