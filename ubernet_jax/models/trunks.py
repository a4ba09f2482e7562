"""The available trunks, with a common interface.

A trunk maps (image, valid, level, train) to the skips by tap and the detector's features: see
`vgg.VGG`.
"""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from ubernet_jax.models import resnet, vgg
from ubernet_jax.models.normalization import Normalization
from ubernet_jax.models.settings import ModelConfig, Trunk


class TrunkSpec(NamedTuple):
    """A trunk architecture.

    Attributes:
      make: builds the module from a configuration and the module's name.
      strides: tap -> stride of its skip in image pixels.
      blocks: (name, tap) of the blocks that can be frozen, first to last.
    """

    make: Callable[[ModelConfig, str], nn.Module]
    strides: dict[str, int]
    blocks: tuple[tuple[str, str], ...]


def _make_vgg(config: ModelConfig, name: str) -> vgg.VGG:
    return vgg.VGG(
        config.width,
        config.dropout,
        config.frozen_blocks,
        config.remat,
        Normalization.of_model(config),
        dtype=jnp.dtype(config.precision.value),
        name=name,
    )


def _make_resnet(config: ModelConfig, name: str) -> resnet.ResNet:
    return resnet.ResNet(
        config.width,
        config.frozen_blocks,
        config.remat,
        Normalization.of_model(config),
        jnp.dtype(config.precision.value),
        name=name,
    )


TRUNKS = {
    Trunk.VGG16: TrunkSpec(
        _make_vgg, vgg.TAP_STRIDES, tuple((block.name, block.tap) for block in vgg.BLOCKS)
    ),
    Trunk.RESNET50: TrunkSpec(
        _make_resnet, resnet.TAP_STRIDES, tuple((tap, tap) for tap in resnet.TAP_STRIDES)
    ),
}
