"""Parameter-free normalisation of the skip connections (paper, section 2.1)."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from ubernet_jax.models.settings import ModelConfig, Statistics
from ubernet_jax.ops.custom_vjp.normalization import normalise, normalise_batch


@dataclasses.dataclass(frozen=True, kw_only=True)
class Normalization:
    """How the skips of a trunk are normalised.

    Attributes:
      statistics: the statistics used in training.
      momentum: of the running statistics.
      epsilon: added to the variance.
    """

    statistics: Statistics
    momentum: float
    epsilon: float

    @classmethod
    def of_model(cls, model: ModelConfig) -> 'Normalization':
        """Returns the settings of a network.

        The paper's epsilon is 1, for images of 0..255. Weights for images that are divided by a
        standard deviation have activations that are smaller by about this factor; epsilon is
        divided by its square, so that it has the same effect.
        """
        deviation = sum(model.std) / len(model.std)
        return cls(
            statistics=model.statistics,
            momentum=model.statistics_momentum,
            epsilon=1 / deviation**2,
        )


class SkipNormalization(nn.Module):
    """Batch normalisation without learned scale and shift, multiplied by 10."""

    settings: Normalization

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
            return normalise(x, mean.value, variance.value, self.settings.epsilon)
        result, *moments = normalise_batch(x, valid, self.settings.epsilon)
        # The plain average of the first batches, then an exponential moving average.
        keep = jnp.minimum(batches.value / (batches.value + 1), self.settings.momentum)
        for running, moment in zip((mean, variance), moments, strict=True):
            running.value = keep * running.value + (1 - keep) * moment
        batches.value += 1
        if self.settings.statistics is Statistics.RUNNING:
            return normalise(x, mean.value, variance.value, self.settings.epsilon)
        return result
