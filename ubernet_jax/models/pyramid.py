"""The trunk at three tied scales: what all tasks share."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.models.settings import ModelConfig
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.ops.pooling import average_pool


class Features(NamedTuple):
    """The branch point.

    Attributes:
      levels: per pyramid level, tap -> normalised skip (N, h, w, c).
      conv5: conv5_3 of the finest level, (N, h, w, c) at stride 8, as the detector takes it.
    """

    levels: tuple[dict[str, jax.Array], ...]
    conv5: jax.Array


class Pyramid(nn.Module):
    """The trunk applied to the image at 1, 1/2 and 1/4 of its size, with the same weights."""

    config: ModelConfig

    @nn.compact
    def __call__(self, image: jax.Array, valid: jax.Array, train: bool) -> Features:
        """Maps uint8 (N, H, W, 3) with valid (N, H, W) to the features at the branch point."""
        config = self.config
        trunk = TRUNKS[config.trunk].make(config, 'trunk')
        mean, std = (np.float32(value).reshape(1, 1, 1, 3) for value in (config.mean, config.std))
        normalised = (image.astype(jnp.float32) - mean) / std * valid[..., None]
        levels = [normalised, *(average_pool(normalised, 2**n) for n in range(1, config.scales))]
        outputs = [trunk(level, valid, n, train) for n, level in enumerate(levels)]
        return Features(tuple(taps for taps, _ in outputs), conv5=outputs[0][1])
