"""Linear layers that compute float32 scores from features of possibly lower precision."""

import functools

import flax.linen as nn
import jax.numpy as jnp
from jax import lax


def linear_scores(channels: int, std: float, dtype: jnp.dtype, name: str) -> nn.Dense:
    """A 1x1 layer with products in `dtype` and sums and results in float32.

    Args:
      channels: number of output channels.
      std: standard deviation of the initial weights.
      dtype: dtype to which features and weights are converted.
      name: name of the layer's parameters.
    """
    return nn.Dense(
        channels,
        kernel_init=nn.initializers.normal(std),
        dtype=dtype,
        dot_general=functools.partial(lax.dot_general, preferred_element_type=jnp.float32),
        name=name,
    )
