"""ResNet-50 as a trunk, fully convolutional, at output stride 8 (arXiv 1512.03385).

As in torchvision, whose weights it takes: the stride is in the 3x3 layer of a bottleneck, and where
the last two stages dilate instead of striding, their first block dilates as the stage before. Each
batch normalisation is part of the convolution before it, as it is with fixed statistics: batches of
few images have none of their own.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from ubernet_jax.models.normalization import SkipNormalization
from ubernet_jax.models.settings import Statistics
from ubernet_jax.models.vgg import scaled
from ubernet_jax.ops.custom_vjp.max_pool import max_pool
from ubernet_jax.ops.custom_vjp.relu import relu
from ubernet_jax.ops.interpolate import subsample

STEM, STEM_CHANNELS, STEM_STRIDE = 'conv1', 64, 2
EXPANSION = 4  # channels of a stage's result per channel of its 3x3 layers


@dataclasses.dataclass(frozen=True)
class StageSpec:
    """`blocks` bottlenecks named `block_0`, `block_1`, ... whose result leaves as a skip."""

    name: str
    blocks: int
    channels: int
    stride: int  # image pixels per unit of the result
    step: int  # of them, those that the first block strides over
    dilations: tuple[int, int]  # of the first block, of the others


STAGES = (
    StageSpec('layer1', 3, 64, stride=4, step=1, dilations=(1, 1)),
    StageSpec('layer2', 4, 128, stride=8, step=2, dilations=(1, 1)),
    StageSpec('layer3', 6, 256, stride=8, step=1, dilations=(1, 2)),
    StageSpec('layer4', 3, 512, stride=8, step=1, dilations=(2, 4)),
)
TAP_STRIDES = {STEM: STEM_STRIDE} | {stage.name: stage.stride for stage in STAGES}
DETECTION_TAP = 'layer3'  # whose activations the detector looks at, as in the paper of the network


class Stem(nn.Module):
    """The first convolution, its pooling, and its normalised skip. Attributes as `ResNet`."""

    width: float
    statistics: Statistics
    dtype: jnp.dtype

    @nn.compact
    def __call__(
        self, x: jax.Array, valid: jax.Array, level: int, train: bool
    ) -> tuple[jax.Array, jax.Array]:
        """Maps an image (N, h, w, 3) to (pooled activations, normalised skip)."""
        channels = scaled(STEM_CHANNELS, self.width)
        x = _convolution(channels, 7, STEM_STRIDE, 1, self.dtype, 'conv')(x)
        x = relu(x)
        valid = subsample(valid, STEM_STRIDE * 2**level)
        skip = SkipNormalization(self.statistics, name=f'norm_{level}')(x, valid, train)
        return max_pool(x, 2), skip


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 layers beside the identity, or beside a 1x1 layer where the shape changes.

    The last layer starts at zero, so that an untrained network of any depth keeps its scale.
    """

    channels: int
    step: int
    dilation: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps (N, h, w, c) to (N, ceil(h / step), ceil(w / step), 4 * channels)."""
        outputs = EXPANSION * self.channels
        y = relu(_convolution(self.channels, 1, 1, 1, self.dtype, 'conv1')(x))
        y = _convolution(self.channels, 3, self.step, self.dilation, self.dtype, 'conv2')(y)
        zeros = nn.initializers.zeros
        y = nn.Conv(outputs, (1, 1), kernel_init=zeros, dtype=self.dtype, name='conv3')(relu(y))
        if self.step > 1 or x.shape[-1] != outputs:
            x = _convolution(outputs, 1, self.step, 1, self.dtype, 'shortcut')(x)
        return relu(x + y)


class BottleneckStage(nn.Module):
    """A stage and its normalised skip. `stage` is its row of the table, the rest as `ResNet`."""

    stage: StageSpec
    width: float
    statistics: Statistics
    dtype: jnp.dtype

    @nn.compact
    def __call__(
        self, x: jax.Array, valid: jax.Array, level: int, train: bool
    ) -> tuple[jax.Array, jax.Array]:
        """Maps x (N, h, w, c) to (activations, normalised skip)."""
        stage, channels = self.stage, scaled(self.stage.channels, self.width)
        for index in range(stage.blocks):
            step, dilation = (1, stage.dilations[1]) if index else (stage.step, stage.dilations[0])
            x = Bottleneck(channels, step, dilation, self.dtype, name=f'block_{index}')(x)
        valid = subsample(valid, stage.stride * 2**level)
        return x, SkipNormalization(self.statistics, name=f'norm_{level}')(x, valid, train)


class ResNet(nn.Module):
    """The trunk: an image to its five skip connections, and the detector's features.

    Attributes:
      width: factor on every channel count.
      frozen_blocks: of the stem and the four stages, how many leading ones get no gradient.
      remat: keep only the activations between stages for the backward pass.
      statistics: what normalises the skips while training.
      dtype: of the computation; what normalises the skips is float32.
    """

    width: float
    frozen_blocks: int
    remat: bool
    statistics: Statistics
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, image: jax.Array, valid: jax.Array, level: int, train: bool
    ) -> tuple[dict[str, jax.Array], jax.Array]:
        """Returns tap name -> skip (N, h, w, c), h and w as `TAP_STRIDES` says, and layer3.

        Args:
          image: (N, H / 2**level, W / 2**level, 3), normalised.
          valid: (N, H, W), of the image at full size.
          level: of the pyramid.
          train: update the running statistics.
        """
        stem, stage_class = Stem, BottleneckStage
        if self.remat:
            stem, stage_class = (
                nn.remat(one, static_argnums=(3, 4)) for one in (stem, stage_class)
            )
        settings = (self.width, self.statistics, self.dtype)
        modules = [stem(*settings, name=STEM)]
        modules += [stage_class(stage, *settings, name=stage.name) for stage in STAGES]
        x, activations, skips = image, {}, {}
        for index, (tap, module) in enumerate(zip(TAP_STRIDES, modules, strict=True)):
            outputs = module(x, valid, level, train)
            if index < self.frozen_blocks:
                outputs = jax.lax.stop_gradient(outputs)
            x, skips[tap] = outputs
            activations[tap] = x
        return skips, activations[DETECTION_TAP]


def _convolution(
    channels: int, size: int, stride: int, dilation: int, dtype: jnp.dtype, name: str
) -> nn.Conv:
    """A convolution with zeros on every side, so that sides stride * k + 1 become k + 1."""
    margin = dilation * (size // 2)
    return nn.Conv(
        channels,
        (size, size),
        strides=stride,
        padding=margin,
        kernel_dilation=dilation,
        kernel_init=nn.initializers.he_normal(),
        dtype=dtype,
        name=name,
    )
