"""The rectifier: as flax has it, and what its backward pass keeps."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.ops.custom_vjp.relu import relu

X = jnp.array([-2.0, -0.0, 0.0, 3.0])


def test_values_and_gradients_are_those_of_flax():
    for function in (lambda f: f(X), lambda f: jax.grad(lambda x: (f(x) * X).sum())(X)):
        np.testing.assert_array_equal(function(relu), function(nn.relu))


def test_its_dtype_stays():
    assert relu(X.astype(jnp.bfloat16)).dtype == jnp.bfloat16


def test_the_backward_pass_keeps_the_result_alone():
    result, pull = jax.vjp(relu, X)
    (kept,) = jax.tree.leaves(pull)
    np.testing.assert_array_equal(kept, result)
