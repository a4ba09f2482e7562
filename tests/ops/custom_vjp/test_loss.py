"""The loss with its gradient computed in the forward pass, compared with `jax.value_and_grad`."""

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.ops.custom_vjp.loss import with_gradient


def test_the_only_residual_is_the_gradient():
    scores = jax.random.normal(jax.random.PRNGKey(0), (2, 5, 7, 3))

    def loss(scores: jax.Array) -> jax.Array:
        return jnp.square(jax.nn.log_softmax(scores)).sum((1, 2, 3))

    losses, pull_back = jax.vjp(with_gradient(loss), scores)
    gradient = jax.grad(lambda scores: loss(scores).sum())(scores)
    np.testing.assert_array_equal(losses, loss(scores))
    np.testing.assert_array_equal(jax.tree.leaves(pull_back), [gradient])
    cotangent = jnp.array([3.0, 0.0])
    expected = cotangent.reshape(2, 1, 1, 1) * gradient
    np.testing.assert_allclose(pull_back(cotangent)[0], expected, rtol=1e-6)
