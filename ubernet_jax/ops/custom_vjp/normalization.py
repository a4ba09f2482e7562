"""Batch normalisation without scale and shift (paper, section 2.1); keeps little but its argument.

`normalise` applies given statistics; automatic differentiation is good enough for it.
"""

import jax
import jax.numpy as jnp

from ubernet_jax.ops.custom_vjp.barrier import tie_to_cotangent

Array = jax.Array

SCALE = 10.0  # constant factor after the normalisation


def normalise_batch(x: Array, valid: Array, epsilon: float) -> tuple[Array, Array, Array]:
    """Normalises each channel by the mean and variance of the batch.

    Args:
      x: (N, H, W, C).
      valid: bool (N, H, W), the pixels that count in the statistics.
      epsilon: added to the variance.

    Returns:
      The result (N, H, W, C) in the dtype of x; mean and variance, float32 (C,), which have no
      gradient.
    """
    return _normalise_batch(x, valid, epsilon)


def _plain(x: Array, valid: Array, epsilon: float) -> tuple[Array, Array, Array]:
    weight, count = _weights(valid)
    x_float32 = x.astype(jnp.float32)
    mean = _channel_sums(x_float32 * weight) / count
    variance = _channel_sums(jnp.square(x_float32 - mean) * weight) / count
    return normalise(x, mean, variance, epsilon), mean.ravel(), variance.ravel()


def _forward(x: Array, valid: Array, epsilon: float) -> tuple[tuple, tuple]:
    result, mean, variance = _normalise_batch(x, valid, epsilon)
    return (result, mean, variance), (x, valid, mean, variance)


def _backward(epsilon: float, residuals: tuple, cotangents: tuple) -> tuple[Array, None]:
    x, valid, mean, variance = tie_to_cotangent(cotangents[0], residuals)
    weight, count = _weights(valid)
    cotangent = cotangents[0].astype(jnp.float32)
    centred = x.astype(jnp.float32) - _to_channels(mean)
    inverse_std = _to_channels(jax.lax.rsqrt(variance + epsilon))
    mean_term = -_channel_sums(cotangent)
    variance_term = -(inverse_std**2) * _channel_sums(cotangent * centred)
    through_statistics = (mean_term + variance_term * centred) * (weight / count)
    return (SCALE * inverse_std * (cotangent + through_statistics)).astype(x.dtype), None


_normalise_batch = jax.custom_vjp(_plain, nondiff_argnums=(2,))
_normalise_batch.defvjp(_forward, _backward)


def normalise(x: Array, mean: Array, variance: Array, epsilon: float) -> Array:
    """Normalises x (N, H, W, C) by given mean and variance (C,); the result has the dtype of x."""
    factor = SCALE * jax.lax.rsqrt(variance + epsilon)
    centred = x.astype(jnp.float32) - _to_channels(mean)
    return (centred * _to_channels(factor)).astype(x.dtype)


def _weights(valid: Array) -> tuple[Array, Array]:
    """Returns float32 (N, H, W, 1), 1 for pixels that count, and their number, at least 1."""
    weight = valid[..., None].astype(jnp.float32)
    return weight, jnp.maximum(weight.sum(), 1)


def _channel_sums(x: Array) -> Array:
    """Sums x (N, H, W, C) to (1, 1, 1, C)."""
    return x.sum((0, 1, 2), keepdims=True)


def _to_channels(values: Array) -> Array:
    """Reshapes (C,) to (1, 1, 1, C)."""
    return values.reshape(1, 1, 1, -1)
