"""The VGG-16 trunk, fully convolutional, at output stride 8 (paper, section 1; its release).

Each block of convolutions has a skip connection after its last ReLU. A block is also the unit of
recomputation: with `remat`, only the activations between blocks are kept for the backward pass.
"""

import dataclasses
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from ubernet_jax.models.normalization import Normalization, SkipNormalization
from ubernet_jax.ops.conv_as_matmuls import conv_as_matmuls
from ubernet_jax.ops.custom_vjp.convolution import convolve
from ubernet_jax.ops.custom_vjp.max_pool import max_pool
from ubernet_jax.ops.custom_vjp.relu import relu
from ubernet_jax.ops.interpolate import subsample
from ubernet_jax.ops.pooling import average_pool
from ubernet_jax.ops.product import dense_product

Convolution = Callable[..., jax.Array]

FC_CHANNELS = 1024  # of the large-field fc6 and fc7, which keep every 4th of VGG's 4096 channels


@dataclasses.dataclass(frozen=True)
class Block:
    """`convolutions` 3x3 layers named `{name}_1`, `{name}_2`, ... and the pooling after them."""

    name: str
    convolutions: int
    channels: int
    stride: int  # stride of the block in image pixels
    dilation: int
    pool_window: int
    pool_stride: int

    @property
    def tap(self) -> str:
        """Name of the layer whose activations leave the trunk as a skip connection."""
        return f'{self.name}_{self.convolutions}'


BLOCKS = (
    Block('conv1', 2, 64, stride=1, dilation=1, pool_window=3, pool_stride=2),
    Block('conv2', 2, 128, stride=2, dilation=1, pool_window=3, pool_stride=2),
    Block('conv3', 3, 256, stride=4, dilation=1, pool_window=3, pool_stride=2),
    Block('conv4', 3, 512, stride=8, dilation=1, pool_window=3, pool_stride=1),
    Block('conv5', 3, 512, stride=8, dilation=2, pool_window=3, pool_stride=1),
)
TAP_STRIDES = {block.tap: block.stride for block in BLOCKS} | {'fc7': 8}


class ConvBlock(nn.Module):
    """A block of convolutions, its pooling, and its normalised skip connection.

    Attributes:
      block: its row of `BLOCKS`.
      width: factor on the channels.
      normalization: how the skip is normalised.
      dtype: dtype of the computation.
    """

    block: Block
    width: float
    normalization: Normalization
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: jax.Array, valid: jax.Array, level: int, train: bool
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Maps x (N, h, w, c) to (pooled activations, activations, normalised skip).

        `valid` (N, H, W) is for the full-size image; each pyramid `level` has separate statistics.
        """
        block = self.block
        for index in range(block.convolutions):
            convolution = nn.Conv(
                scaled(block.channels, self.width),
                (3, 3),
                conv_general_dilated=_ignore_flax_arguments(convolve, block.dilation),
                kernel_init=nn.initializers.he_normal(),
                dtype=self.dtype,
                name=f'{block.name}_{index + 1}',
            )
            x = relu(convolution(x))
        valid = subsample(valid, block.stride * 2**level)
        skip = SkipNormalization(self.normalization, name=f'norm_{level}')(x, valid, train)
        return max_pool(x, block.pool_stride, block.pool_window), x, skip


class FullyConnected(nn.Module):
    """fc6 and fc7 as convolutions with a large field of view (DeepLab-LargeFOV).

    Attributes are those of `VGG`.
    """

    width: float
    dropout: float
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Maps the pooled conv5 (N, h, w, c) to fc7 (N, h, w, 1024 * width)."""
        channels = scaled(FC_CHANNELS, self.width)
        x = average_pool(x, 1)
        settings = {'kernel_init': nn.initializers.he_normal(), 'dtype': self.dtype}
        fc6 = _ignore_flax_arguments(conv_as_matmuls, 12)
        x = nn.Conv(channels, (3, 3), conv_general_dilated=fc6, name='fc6', **settings)(x)
        x = nn.Dropout(self.dropout, deterministic=not train)(relu(x))
        x = nn.Dense(channels, dot_general=dense_product, name='fc7', **settings)(x)
        return nn.Dropout(self.dropout, deterministic=not train)(relu(x))


class VGG(nn.Module):
    """The trunk: maps an image to six skip connections, and to conv5_3 for the detector.

    Attributes:
      width: factor on every channel count.
      dropout: dropout rate after fc6 and fc7.
      frozen_blocks: number of leading blocks that get no gradient.
      remat: keep only the activations between blocks for the backward pass.
      normalization: how the skips are normalised.
      rows: the blocks of convolutions.
      dtype: dtype of the computation; the skips are normalised in float32.
    """

    width: float
    dropout: float
    frozen_blocks: int
    remat: bool
    normalization: Normalization
    rows: tuple[Block, ...] = BLOCKS
    dtype: jnp.dtype = jnp.float32

    def setup(self) -> None:
        block_class, fully_connected_class = ConvBlock, FullyConnected
        if self.remat:
            block_class = nn.remat(ConvBlock, static_argnums=(3, 4))
            fully_connected_class = nn.remat(FullyConnected, static_argnums=(2,))
        self.blocks = [
            block_class(row, self.width, self.normalization, self.dtype, name=row.name)
            for row in self.rows
        ]
        self.fully_connected = fully_connected_class(
            self.width, self.dropout, self.dtype, name='fc'
        )

    def __call__(
        self, image: jax.Array, valid: jax.Array, level: int, train: bool
    ) -> tuple[dict[str, jax.Array], jax.Array]:
        """Returns tap -> skip (N, h, w, c), at the strides in `TAP_STRIDES`, and conv5_3.

        Args:
          image: (N, H / 2**level, W / 2**level, 3), normalised.
          valid: (N, H, W), for the image at full size.
          level: level of the image pyramid.
          train: use dropout, and update the running statistics.
        """
        x, activations, skips = self.convolve(image, valid, level, train)
        return skips | {'fc7': self.fully_connected(x, train)}, activations[self.rows[-1].tap]

    def convolve(
        self, image: jax.Array, valid: jax.Array, level: int, train: bool
    ) -> tuple[jax.Array, dict[str, jax.Array], dict[str, jax.Array]]:
        """Applies only the blocks of convolutions; the arguments are those of `__call__`.

        Returns:
          Output of the last pooling layer; tap -> activations; tap -> normalised skip.
        """
        x, activations, skips = image, {}, {}
        for index, (row, block) in enumerate(zip(self.rows, self.blocks, strict=True)):
            outputs = block(x, valid, level, train)
            if index < self.frozen_blocks:
                outputs = jax.lax.stop_gradient(outputs)
            x, activations[row.tap], skips[row.tap] = outputs
        return x, activations, skips


def _ignore_flax_arguments(convolution: Convolution, dilation: int) -> Convolution:
    """Adapts a convolution to `nn.Conv`, whose arguments for strides and padding are ignored."""
    return lambda x, kernel, *_, **__: convolution(x, kernel, dilation)


def scaled(channels: int, width: float) -> int:
    """Multiplies a channel count by `width`; rounds it to at least 1."""
    return max(1, round(channels * width))
