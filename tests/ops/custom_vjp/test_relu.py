"""The rectified linear unit, compared with `flax.linen.relu`, and its residuals."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.ops.custom_vjp.relu import relu

X = jnp.array([-2.0, -0.0, 0.0, 3.0])


def test_values_and_gradients_equal_those_of_flax():
    np.testing.assert_array_equal(relu(X), nn.relu(X))
    gradient, expected = (jax.grad(lambda x, f=f: (f(x) * X).sum())(X) for f in (relu, nn.relu))
    np.testing.assert_array_equal(gradient, expected)


def test_the_dtype_does_not_change():
    assert relu(X.astype(jnp.bfloat16)).dtype == jnp.bfloat16


def test_the_only_residual_is_the_result():
    result, pull_back = jax.vjp(relu, X)
    (residual,) = jax.tree.leaves(pull_back)
    np.testing.assert_array_equal(residual, result)
