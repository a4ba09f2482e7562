"""The loss with its gradient computed in the forward pass, compared with `jax.value_and_grad`."""

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.ops.custom_vjp.loss import with_gradient


def test_the_only_residual_is_the_gradient():
    scores = jax.random.normal(jax.random.PRNGKey(0), (1, 5, 7, 3))

    def loss(scores: jax.Array) -> jax.Array:
        return jnp.square(jax.nn.log_softmax(scores)).sum()

    value, pull_back = jax.vjp(with_gradient(loss), scores)
    expected, gradient = jax.value_and_grad(loss)(scores)
    np.testing.assert_array_equal(value, expected)
    np.testing.assert_array_equal(jax.tree.leaves(pull_back), [gradient])
    np.testing.assert_allclose(pull_back(jnp.full((), 3.0))[0], 3 * gradient, rtol=1e-6)
