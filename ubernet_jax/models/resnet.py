"""ResNet-50 as a trunk, fully convolutional, at output stride 8 (arXiv 1512.03385).

The layers are those of torchvision, so that its weights can be loaded: the stride is in the 3x3
layer of a bottleneck; the last two stages dilate instead of striding, and their first block has the
dilation of the previous stage. There are no batch normalisation layers: with fixed statistics, each
is folded into the convolution before it. Batches of few images have no useful statistics.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from ubernet_jax.models.normalization import Normalization, SkipNormalization
from ubernet_jax.models.vgg import scaled
from ubernet_jax.ops.custom_vjp.convolution import convolve_padded
from ubernet_jax.ops.custom_vjp.max_pool import max_pool
from ubernet_jax.ops.custom_vjp.relu import relu
from ubernet_jax.ops.interpolate import subsample

STEM, STEM_CHANNELS, STEM_STRIDE = 'conv1', 64, 2
EXPANSION = 4  # output channels of a stage per channel of its 3x3 layers


@dataclasses.dataclass(frozen=True)
class StageSpec:
    """`blocks` bottlenecks named `block_0`, `block_1`, ...; the last one's output is a tap."""

    name: str
    blocks: int
    channels: int
    stride: int  # stride of the output in image pixels
    step: int  # stride of the first block with respect to the stage's input
    dilations: tuple[int, int]  # of the first block, and of the other blocks


STAGES = (
    StageSpec('layer1', 3, 64, stride=4, step=1, dilations=(1, 1)),
    StageSpec('layer2', 4, 128, stride=8, step=2, dilations=(1, 1)),
    StageSpec('layer3', 6, 256, stride=8, step=1, dilations=(1, 2)),
    StageSpec('layer4', 3, 512, stride=8, step=1, dilations=(2, 4)),
)
TAP_STRIDES = {STEM: STEM_STRIDE} | {stage.name: stage.stride for stage in STAGES}
DETECTION_TAP = 'layer3'  # its activations are the detector's input, as in the ResNet paper


class Stem(nn.Module):
    """The first convolution, its pooling and its normalised skip; attributes as in `ResNet`."""

    width: float
    normalization: Normalization
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
        skip = SkipNormalization(self.normalization, name=f'norm_{level}')(x, valid, train)
        return max_pool(x, 2), skip


class Bottleneck(nn.Module):
    """A residual block of 1x1, 3x3 and 1x1 layers.

    The shortcut is the identity, or a 1x1 layer where the shape changes. The last layer is
    initialised to zero, so that activations keep their magnitude in an untrained network.
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
        last = {'kernel_init': zeros, 'dtype': self.dtype, 'conv_general_dilated': convolve_padded}
        y = nn.Conv(outputs, (1, 1), name='conv3', **last)(relu(y))
        if self.step > 1 or x.shape[-1] != outputs:
            x = _convolution(outputs, 1, self.step, 1, self.dtype, 'shortcut')(x)
        return relu(x + y)


class BottleneckStage(nn.Module):
    """A stage and its normalised skip.

    `stage` is its row of `STAGES`; the other attributes are those of `ResNet`.
    """

    stage: StageSpec
    width: float
    normalization: Normalization
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
        return x, SkipNormalization(self.normalization, name=f'norm_{level}')(x, valid, train)


class ResNet(nn.Module):
    """The trunk: maps an image to five skip connections and the detector's features.

    Attributes:
      width: factor on every channel count.
      frozen_blocks: how many of the stem and the four stages, from the first, get no gradient.
      remat: keep only the activations between stages for the backward pass.
      normalization: how the skips are normalised.
      dtype: dtype of the computation; the skips are normalised in float32.
    """

    width: float
    frozen_blocks: int
    remat: bool
    normalization: Normalization
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, image: jax.Array, valid: jax.Array, level: int, train: bool
    ) -> tuple[dict[str, jax.Array], jax.Array]:
        """Returns tap -> skip (N, h, w, c), at the strides in `TAP_STRIDES`, and layer3.

        Args:
          image: (N, H / 2**level, W / 2**level, 3), normalised.
          valid: (N, H, W), for the image at full size.
          level: level of the image pyramid.
          train: update the running statistics.
        """
        stem_class, stage_class = Stem, BottleneckStage
        if self.remat:
            stem_class = nn.remat(Stem, static_argnums=(3, 4))
            stage_class = nn.remat(BottleneckStage, static_argnums=(3, 4))
        settings = (self.width, self.normalization, self.dtype)
        modules: list[nn.Module] = [stem_class(*settings, name=STEM)]
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
    """A convolution with zero padding on every side: sides stride * k + 1 become k + 1."""
    margin = dilation * (size // 2)
    return nn.Conv(
        channels,
        (size, size),
        strides=stride,
        padding=margin,
        kernel_dilation=dilation,
        kernel_init=nn.initializers.he_normal(),
        dtype=dtype,
        conv_general_dilated=convolve_padded,
        name=name,
    )
