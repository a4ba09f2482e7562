"""Rectified linear unit whose backward pass needs only its result."""

import jax
import jax.numpy as jnp

from ubernet_jax.ops.custom_vjp.barrier import tie_to_cotangent

Array = jax.Array


@jax.custom_vjp
def relu(x: Array) -> Array:
    """Computes max(x, 0); its gradient at 0 is 0, as that of `jax.nn.relu`."""
    return jnp.maximum(x, 0)


def _forward(x: Array) -> tuple[Array, Array]:
    result = relu(x)
    return result, result


def _backward(result: Array, cotangent: Array) -> tuple[Array]:
    return (jnp.where(tie_to_cotangent(cotangent, result) > 0, cotangent, 0),)


relu.defvjp(_forward, _backward)
