"""Linear scores of features that may be of low precision."""

import functools

import flax.linen as nn
import jax.numpy as jnp
from jax import lax


def linear_scores(channels: int, std: float, dtype: jnp.dtype, name: str) -> nn.Dense:
    """A 1x1 layer: products of `dtype`, float32 sums and results.

    Args:
      channels: of the result.
      std: of the random weights before training.
      dtype: of the features and the weights where they meet.
      name: of its parameters.
    """
    return nn.Dense(
        channels,
        kernel_init=nn.initializers.normal(std),
        dtype=dtype,
        dot_general=functools.partial(lax.dot_general, preferred_element_type=jnp.float32),
        name=name,
    )
