"""Parameter-free batch normalisation (paper, section 2.1)."""

import jax
import jax.numpy as jnp

from ubernet_jax.ops.custom_vjp.barrier import tie_to_cotangent

SCALE = 10.0  # fixed factor after the normalisation
EPSILON = 1.0  # added to the variance


@jax.custom_vjp
def normalise_batch(x: jax.Array, valid: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Normalises by the batch's own statistics; its backward pass keeps nothing but `x`.

    Args:
      x: (N, H, W, C).
      valid: bool (N, H, W), pixels that count in the statistics.

    Returns:
      The result, in the dtype of x; mean and variance, float32 (C,), which have no gradient.
    """
    weight, count = _weights(valid)
    wide = x.astype(jnp.float32)
    mean = _channel_sums(wide * weight) / count
    variance = _channel_sums(jnp.square(wide - mean) * weight) / count
    return normalise(x, mean, variance), mean.ravel(), variance.ravel()


def _forward(x: jax.Array, valid: jax.Array) -> tuple[tuple, tuple]:
    result, mean, variance = normalise_batch(x, valid)
    return (result, mean, variance), (x, valid, mean, variance)


def _backward(residuals: tuple, cotangents: tuple) -> tuple[jax.Array, None]:
    x, valid, mean, variance = tie_to_cotangent(cotangents[0], residuals)
    weight, count = _weights(valid)
    cotangent = cotangents[0].astype(jnp.float32)
    centred = x.astype(jnp.float32) - _to_channels(mean)
    inverse = _to_channels(jax.lax.rsqrt(variance + EPSILON))
    by_mean = -_channel_sums(cotangent)
    by_variance = -(inverse**2) * _channel_sums(cotangent * centred)
    shared = (by_mean + by_variance * centred) * (weight / count)
    return (SCALE * inverse * (cotangent + shared)).astype(x.dtype), None


normalise_batch.defvjp(_forward, _backward)


def normalise(x: jax.Array, mean: jax.Array, variance: jax.Array) -> jax.Array:
    factor = SCALE * jax.lax.rsqrt(variance + EPSILON)
    centred = x.astype(jnp.float32) - _to_channels(mean)
    return (centred * _to_channels(factor)).astype(x.dtype)


def _weights(valid: jax.Array) -> tuple[jax.Array, jax.Array]:
    """1 for pixels that count, (N, H, W, 1), and how many these are, at least 1; float32."""
    weight = valid[..., None].astype(jnp.float32)
    return weight, jnp.maximum(weight.sum(), 1)


def _channel_sums(x: jax.Array) -> jax.Array:
    return x.sum((0, 1, 2), keepdims=True)


def _to_channels(numbers: jax.Array) -> jax.Array:
    return numbers.reshape(1, 1, 1, -1)
