"""The trunk with shared weights on an image pyramid of up to three scales."""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.models.settings import ModelConfig
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.ops.pooling import average_pool


class Features(NamedTuple):
    """The features at the branch point, where the trunk ends and the heads begin.

    Attributes:
      levels: for each pyramid level, finest first: tap -> normalised skip (N, h, w, c).
      conv5: input of the detector (N, h, w, c), at stride 8: conv5_3 of the finest level.
    """

    levels: tuple[dict[str, jax.Array], ...]
    conv5: jax.Array


class Pyramid(nn.Module):
    """The trunk applied to the image at 1, 1/2 and 1/4 of its size, with the same weights."""

    config: ModelConfig

    def setup(self) -> None:
        self.trunk = TRUNKS[self.config.trunk].make(self.config, 'trunk')

    def __call__(self, image: jax.Array, valid: jax.Array, train: bool) -> Features:
        """Maps uint8 (N, H, W, 3) with valid (N, H, W) to the features at the branch point."""
        config, normalised = self.config, self._normalised(image, valid)
        images = [normalised, *(average_pool(normalised, 2**n) for n in range(1, config.scales))]
        outputs = [self.trunk(image, valid, level, train) for level, image in enumerate(images)]
        return Features(tuple(skips for skips, _ in outputs), conv5=outputs[0][1])

    def frozen(self, image: jax.Array, valid: jax.Array) -> dict[str, jax.Array]:
        """The part of `__call__` that does not change in training: activations by name."""
        return self.trunk.frozen(self._normalised(image, valid), valid)

    def resume(
        self, kept: dict[str, jax.Array], image: jax.Array, valid: jax.Array, train: bool
    ) -> Features:
        """The rest of `__call__`, given what `frozen` returns."""
        skips, detector = self.trunk.resume(kept, self._normalised(image, valid), valid, train)
        return Features((skips,), conv5=detector)

    def _normalised(self, image: jax.Array, valid: jax.Array) -> jax.Array:
        mean, std = (
            np.array(values, np.float32).reshape(1, 1, 1, 3)
            for values in (self.config.mean, self.config.std)
        )
        return (image.astype(jnp.float32) - mean) / std * valid[..., None]
