"""A loss whose gradient is computed in the forward pass."""

from collections.abc import Callable

import jax


def with_gradient(loss: Callable[[jax.Array], jax.Array]) -> Callable[[jax.Array], jax.Array]:
    """The loss of a score map with its gradient found at once: of all that it takes, that is kept.

    The barrier is for compilers that would put its last steps off, and keep what they take.

    Args:
      loss: from scores to a scalar.
    """

    @jax.custom_vjp
    def function(scores: jax.Array) -> jax.Array:
        return loss(scores)

    def forward(scores: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jax.lax.optimization_barrier(jax.value_and_grad(loss)(scores))

    def backward(gradient: jax.Array, cotangent: jax.Array) -> tuple[jax.Array]:
        return (cotangent * gradient,)

    function.defvjp(forward, backward)
    return function
