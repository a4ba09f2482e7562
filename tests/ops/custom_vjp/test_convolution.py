"""The convolution with a hand-written backward pass, compared with XLA's convolution."""

import jax
import jax.numpy as jnp
import pytest

from helpers.convolutions import assert_same_values_and_gradients, xla_convolve
from ubernet_jax.ops.custom_vjp.convolution import convolve


@pytest.mark.parametrize(('size', 'dilation'), [(3, 1), (3, 2), (1, 1), (5, 1)])
def test_values_and_gradients_equal_those_of_xla(size, dilation):
    assert_same_values_and_gradients(
        lambda x, kernel: convolve(x, kernel, dilation),
        lambda x, kernel: xla_convolve(x, kernel, dilation),
        size,
    )


def test_the_residuals_are_the_argument_and_the_kernel():
    x = jax.ShapeDtypeStruct((1, 65, 65, 8), jnp.float32)
    kernel = jax.ShapeDtypeStruct((3, 3, 8, 4), jnp.float32)
    pull_back = jax.eval_shape(lambda x, kernel: jax.vjp(convolve, x, kernel)[1], x, kernel)
    shapes = sorted(leaf.shape for leaf in jax.tree.leaves(pull_back))
    assert shapes == [(1, 65, 65, 8), (3, 3, 8, 4)]
