"""Parameter-free normalisation of the skip connections (paper, section 2.1)."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from ubernet_jax.config import Statistics

SCALE = 10.0  # fixed factor after the normalisation
EPSILON = 1.0  # added to the variance
MOMENTUM = 0.99  # of the running statistics, once 99 batches have been averaged


class SkipNormalization(nn.Module):
    """Batch normalisation without scale and shift, times 10.

    Attributes:
      statistics: what normalises while training.
    """

    statistics: Statistics

    @nn.compact
    def __call__(self, x: jax.Array, valid: jax.Array, train: bool) -> jax.Array:
        """Normalises (N, H, W, C) per channel over the pixels that `valid` (N, H, W) marks.

        Computed in float32; the result has the dtype of x.
        """
        dtype, x = x.dtype, x.astype(jnp.float32)
        channels = x.shape[-1]
        mean = self.variable('batch_stats', 'mean', jnp.zeros, (channels,))
        variance = self.variable('batch_stats', 'variance', jnp.ones, (channels,))
        batches = self.variable('batch_stats', 'batches', jnp.zeros, ())
        used_mean, used_variance = mean.value, variance.value
        if train or self.is_initializing():
            own = self.statistics is Statistics.BATCH
            source = x if own else jax.lax.stop_gradient(x)
            batch_mean, batch_variance = _moments(source, valid)
            if not self.is_initializing():
                # The plain average of the first batches, then an exponential one.
                keep = jnp.minimum(batches.value / (batches.value + 1), MOMENTUM)
                mean.value = keep * mean.value + (1 - keep) * jax.lax.stop_gradient(batch_mean)
                variance.value = keep * variance.value + (1 - keep) * jax.lax.stop_gradient(
                    batch_variance
                )
                batches.value += 1
            used_mean, used_variance = (
                (batch_mean, batch_variance) if own else (mean.value, variance.value)
            )
        factor = SCALE * jax.lax.rsqrt(used_variance + EPSILON)
        shape = (1, 1, 1, channels)
        return ((x - used_mean.reshape(shape)) * factor.reshape(shape)).astype(dtype)


def _moments(x: jax.Array, valid: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mean and variance (C,) over valid pixels; zeros where there is none."""
    weight = valid[..., None].astype(x.dtype)
    count = jnp.maximum(weight.sum(), 1)
    mean = (x * weight).sum((0, 1, 2)) / count
    centred = (x - mean.reshape(1, 1, 1, -1)) * weight
    return mean, (centred**2).sum((0, 1, 2)) / count
