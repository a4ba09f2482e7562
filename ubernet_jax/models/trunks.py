"""The available trunks, with a common interface.

A trunk maps (image, valid, level, train) to the skips by tap and the detector's features: see
`vgg.VGG`.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp

from ubernet_jax.models import resnet, stem, vgg
from ubernet_jax.models.grid import Grid
from ubernet_jax.models.normalization import Normalization
from ubernet_jax.models.settings import ModelConfig, Trunk
from ubernet_jax.models.vit import EMBEDDING, LAST_NORM, ViT
from ubernet_jax.models.vit_specs import VITS, ViTSpec

# Strides of the convolutional trunks divide 32, so that every pooling layer divides sides 32k+1.
_NODES = Grid(32)


class TrunkSpec(NamedTuple):
    """A trunk architecture.

    Attributes:
      make: builds the module from a configuration and the module's name.
      strides: tap -> stride of its skip in image pixels, without those of a stem.
      blocks: for each block that can be frozen, first to last: the names of its modules and tap.
      detector_stride: stride of the detector's features in image pixels.
      grid: sides of images, and where features lie.
      scales: largest number of levels of the image pyramid.
      last: modules that are frozen with the first block, but lie after the last.
      complete: whether all layers belong to blocks that can be frozen, and the module has the
        methods `frozen` and `resume`, so that its features can be kept: see `vit.ViT`.
    """

    make: Callable[[ModelConfig, str], nn.Module]
    strides: dict[str, int]
    blocks: tuple[tuple[str, ...], ...]
    detector_stride: int = 8
    grid: Grid = _NODES
    scales: int = 3
    last: tuple[str, ...] = ()
    complete: bool = False

    def skips(self, model: ModelConfig, names: Collection[str] = ()) -> dict[str, int]:
        """Tap -> stride of its skip in image pixels, for all skips of a network or those named."""
        skips = self.strides | (stem.STRIDES if model.stem else {})
        return {tap: stride for tap, stride in skips.items() if not names or tap in names}

    def can_keep(self, model: ModelConfig) -> bool:
        """Whether there are activations that do not change in training."""
        return self.complete and model.frozen_blocks > 0

    def is_frozen(self, model: ModelConfig) -> bool:
        """Whether nothing of the trunk is trained."""
        frozen = self.complete and model.frozen_blocks >= len(self.blocks)
        return frozen and not model.stem

    def frozen(self, blocks: int) -> frozenset[str]:
        """The names of the modules and taps of the leading `blocks`."""
        return frozenset(name for names in self.blocks[:blocks] for name in names)

    def trained_taps(self, model: ModelConfig) -> dict[str, int]:
        """Tap -> stride of its skip, for those in `strides` that change in training."""
        frozen = self.frozen(model.frozen_blocks)
        return {tap: stride for tap, stride in self.strides.items() if tap not in frozen}

    def rate_factors(self, decay: float) -> dict[str, float]:
        """Returns factors on the learning rates of modules by name; of other modules it is 1.

        Args:
          decay: factor of a block for each block after it, and for the heads.
        """
        factors = {
            name: decay ** (len(self.blocks) - number)
            for number, names in enumerate(self.blocks)
            for name in names
        }
        return factors | dict.fromkeys(self.last, 1.0)


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


def describe_vit(spec: ViTSpec) -> TrunkSpec:
    """Describes a vision transformer as a trunk."""

    def make(config: ModelConfig, name: str) -> ViT:
        return ViT(
            spec.scaled(config.width),
            config.frozen_blocks,
            config.remat,
            Normalization.of_model(config),
            config.stem,
            jnp.dtype(config.precision.value),
            name=name,
        )

    first, *others = ((f'block_{number}',) for number in range(spec.depth))
    return TrunkSpec(
        make,
        dict.fromkeys(spec.tap_names, spec.patch),
        ((EMBEDDING, LAST_NORM, *first), *others),
        detector_stride=spec.patch,
        grid=Grid(spec.patch, patches=True),
        scales=1,
        last=(LAST_NORM,),
        complete=True,
    )


TRUNKS = {
    Trunk.VGG16: TrunkSpec(
        _make_vgg, vgg.TAP_STRIDES, tuple((block.name, block.tap) for block in vgg.BLOCKS)
    ),
    Trunk.RESNET50: TrunkSpec(
        _make_resnet, resnet.TAP_STRIDES, tuple((tap,) for tap in resnet.TAP_STRIDES)
    ),
} | {trunk: describe_vit(spec) for trunk, spec in VITS.items()}
