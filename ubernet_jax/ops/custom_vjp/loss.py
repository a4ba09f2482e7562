"""Loss whose gradient is computed in the forward pass."""

from collections.abc import Callable

import jax

Array = jax.Array


def with_gradient(loss: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Returns the same loss, with its gradient computed in the forward pass as the only residual.

    The optimization barrier prevents compilers from moving the last steps of the gradient into the
    backward pass, and keeping the inputs of these steps.

    Args:
      loss: maps a score map to a scalar.
    """

    @jax.custom_vjp
    def loss_with_gradient(scores: Array) -> Array:
        return loss(scores)

    def forward(scores: Array) -> tuple[Array, Array]:
        return jax.lax.optimization_barrier(jax.value_and_grad(loss)(scores))

    def backward(gradient: Array, cotangent: Array) -> tuple[Array]:
        return (cotangent * gradient,)

    loss_with_gradient.defvjp(forward, backward)
    return loss_with_gradient
