"""Parameter-free normalisation of the skip connections (paper, section 2.1)."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from ubernet_jax.models.settings import Statistics
from ubernet_jax.ops.custom_vjp.normalization import normalise, normalise_batch

MOMENTUM = 0.99  # of the running statistics, after the plain average of the first 99 batches


class SkipNormalization(nn.Module):
    """Batch normalisation without learned scale and shift, multiplied by 10.

    Attributes:
      statistics: the statistics used in training.
    """

    statistics: Statistics

    @nn.compact
    def __call__(self, x: jax.Array, valid: jax.Array, train: bool) -> jax.Array:
        """Normalises each channel of x (N, H, W, C) over the pixels where `valid` (N, H, W) is set.

        The computation is in float32; the result has the dtype of x.
        """
        channels = x.shape[-1]
        mean = self.variable('batch_stats', 'mean', jnp.zeros, (channels,))
        variance = self.variable('batch_stats', 'variance', jnp.ones, (channels,))
        batches = self.variable('batch_stats', 'batches', jnp.zeros, ())
        if not train or self.is_initializing():
            return normalise(x, mean.value, variance.value)
        result, *moments = normalise_batch(x, valid)
        # The plain average of the first batches, then an exponential moving average.
        keep = jnp.minimum(batches.value / (batches.value + 1), MOMENTUM)
        for running, moment in zip((mean, variance), moments, strict=True):
            running.value = keep * running.value + (1 - keep) * moment
        batches.value += 1
        if self.statistics is Statistics.RUNNING:
            return normalise(x, mean.value, variance.value)
        return result
