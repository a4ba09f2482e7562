"""The trunks that a network may have, behind one interface.

A trunk maps (image, valid, level, train) to the skips by tap and the detector's features: see
`vgg.VGG`.
"""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from ubernet_jax.models import resnet, vgg
from ubernet_jax.models.settings import ModelConfig, Trunk


class Design(NamedTuple):
    """One kind of trunk.

    Attributes:
      make: the module that a configuration describes, of a given name.
      strides: tap -> image pixels per unit of its skip.
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
        config.statistics,
        dtype=jnp.dtype(config.precision.value),
        name=name,
    )


def _make_resnet(config: ModelConfig, name: str) -> resnet.ResNet:
    return resnet.ResNet(
        config.width,
        config.frozen_blocks,
        config.remat,
        config.statistics,
        jnp.dtype(config.precision.value),
        name=name,
    )


TRUNKS = {
    Trunk.VGG16: Design(
        _make_vgg, vgg.TAP_STRIDES, tuple((block.name, block.tap) for block in vgg.BLOCKS)
    ),
    Trunk.RESNET50: Design(
        _make_resnet, resnet.TAP_STRIDES, tuple((tap, tap) for tap in resnet.TAP_STRIDES)
    ),
}
