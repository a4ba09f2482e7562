"""Losses of images whose gradient is computed in the forward pass."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

Array = jax.Array


def with_gradient(loss: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Returns the same losses, with their gradient, from the forward pass, as the only residual.

    The optimization barrier prevents compilers from moving the last steps of the gradient into the
    backward pass, and keeping the inputs of these steps.

    Args:
      loss: maps score maps (N, ...) of N images to their losses (N,). The loss of an image must not
        depend on the scores of the others.
    """

    @jax.custom_vjp
    def loss_with_gradient(scores: Array) -> Array:
        return loss(scores)

    def forward(scores: Array) -> tuple[Array, Array]:
        losses, pull_back = jax.vjp(loss, scores)
        return jax.lax.optimization_barrier((losses, *pull_back(jnp.ones_like(losses))))

    def backward(gradient: Array, cotangent: Array) -> tuple[Array]:
        return (cotangent.reshape(-1, *[1] * (gradient.ndim - 1)) * gradient,)

    loss_with_gradient.defvjp(forward, backward)
    return loss_with_gradient
