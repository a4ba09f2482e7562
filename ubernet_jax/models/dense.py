"""The head of a dense task: linear scores of every skip, fused within and across pyramid levels.

The paper interpolates the scores of all skips to the output resolution, concatenates them and
fuses them by a learned 1x1 layer. Interpolation and 1x1 layers are linear. Therefore this module
first multiplies the kernel of a skip's scores by the kernel of their fusion, applies the product
at the skip's resolution, and interpolates the sum over the skips from coarse to fine. This computes
the same function without six full-resolution maps.
"""

import functools
from collections.abc import Callable, Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from ubernet_jax.models.pyramid import Features
from ubernet_jax.ops.custom_vjp.relu import relu
from ubernet_jax.ops.interpolate import average_squares, from_patches, subsample, upsample_2x
from ubernet_jax.ops.product import dense_product


class DenseHead(nn.Module):
    """Scores of one task at all levels of the image pyramid (paper, section 2.1).

    With `hidden`, the scores of a hidden layer are added to the linear scores: W x + V relu(U x). A
    residual adapter of the task on each skip (arXiv 1705.08045), W (x + A relu(U x)), is the
    special case V = W A.

    Attributes:
      channels: C, number of score channels of the task.
      skips: tap -> stride of its skip in image pixels, at the finest level.
      stride: image pixels per score: 1, 2, 4 or 8.
      hidden: width of the hidden layer of each skip, at most that of the skip; 0 for no hidden
        layer, as in the paper.
      side_outputs: also return the map of every skip before the fusion (deep supervision, HED,
        arXiv 1504.06375).
      patches: whether skips lie at the centres of squares with the side of their stride; otherwise
        they lie on nodes.
      dtype: dtype of the products with the skips; their sums and the scores are float32.
    """

    channels: int
    skips: Mapping[str, int]
    stride: int
    hidden: int = 0
    side_outputs: bool = False
    patches: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, features: Features) -> list[jax.Array]:
        """Returns score maps (N, H, W, C) at the task's resolution.

        One map per pyramid level, finest first, then the fused map; with a single level, only the
        map of that level. With `side_outputs`, the maps of the skips of all levels come first.
        """
        fusion, bias = Fusion(len(self.skips), self.channels, name='fuse_skips')()
        widths = {tap: features.levels[0][tap].shape[-1] for tap in self.skips}
        scorers = {tap: self._scorer(tap, width) for tap, width in widths.items()}
        identity = jnp.eye(self.channels)
        side_maps = []
        level_scores, level_strides = [], []  # at the stride of each level's finest skip
        for level, skips in enumerate(features.levels):
            add, reduce = add_coarse_to_fine, subsample
            if self.patches:
                add, reduce = functools.partial(add_squares, self._size(skips)), average_squares
            scores, strides = [], []
            for (tap, stride), mixing in zip(self.skips.items(), fusion, strict=True):
                stride *= 2**level
                step = max(1, self.stride // stride)
                skip = reduce(skips[tap], step)
                scores.append(scorers[tap](skip, mixing))
                strides.append(stride * step)
                if self.side_outputs:
                    unfused = scorers[tap](skip, identity)
                    side_maps.append(add([unfused], [stride * step], self.stride))
            level_strides.append(self.stride if self.patches else min(strides))
            level_scores.append(add(scores, strides, level_strides[-1], bias))
        maps = [
            add_coarse_to_fine([scores], [stride], self.stride)
            for scores, stride in zip(level_scores, level_strides, strict=True)
        ]
        if len(maps) == 1:
            return [*side_maps, *maps]
        fusion, bias = Fusion(len(maps), self.channels, name='fuse_scales')()
        mixed = [scores @ mixing for scores, mixing in zip(level_scores, fusion, strict=True)]
        return [*side_maps, *maps, add_coarse_to_fine(mixed, level_strides, self.stride, bias)]

    def _size(self, skips: Mapping[str, jax.Array]) -> tuple[int, int]:
        """The sides of the score maps; the last square of a skip may exceed the image."""
        sides = [
            [-(-length * stride // self.stride) for length in skips[tap].shape[1:3]]
            for tap, stride in self.skips.items()
        ]
        height, width = map(min, zip(*sides, strict=True))
        return height, width

    def _scorer(self, tap: str, width: int) -> Callable[[jax.Array, jax.Array], jax.Array]:
        linear = MixedScores(self.channels, self.dtype, name=tap)
        if not self.hidden:
            return linear
        initial = nn.initializers.he_normal()
        layer = nn.Dense(
            min(self.hidden, width),
            kernel_init=initial,
            dtype=self.dtype,
            dot_general=dense_product,
            name=f'{tap}_hidden',
        )
        scores = MixedScores(self.channels, self.dtype, name=f'{tap}_scores')
        return lambda x, mixing: linear(x, mixing) + scores(relu(layer(x)), mixing)


class MixedScores(nn.Module):
    """A 1x1 layer followed by a second linear 1x1 layer, computed as one product.

    Attributes:
      channels: C, number of score channels.
      dtype: dtype of the product.
    """

    channels: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, mixing: jax.Array) -> jax.Array:
        """Maps x (N, h, w, c) and the second layer's kernel (C, C) to (N, h, w, C), float32."""
        initial = nn.initializers.normal(0.001)
        kernel = self.param('kernel', initial, (x.shape[-1], self.channels))
        bias = self.param('bias', nn.initializers.zeros, (self.channels,))
        product = lax.dot_general(
            x.astype(self.dtype),
            (kernel @ mixing).astype(self.dtype),
            (((3,), (0,)), ((), ())),
            preferred_element_type=jnp.float32,
        )
        return product + (bias @ mixing).reshape(1, 1, 1, -1)


class Fusion(nn.Module):
    """Parameters of a 1x1 layer over concatenated score maps; it initially averages the maps.

    Attributes:
      maps: number of maps.
      channels: C, number of channels of each map and of the result.
    """

    maps: int
    channels: int

    @nn.compact
    def __call__(self) -> tuple[jax.Array, jax.Array]:
        """Returns a kernel (C, C) for each map, stacked, and the bias (C,)."""

        def averaging(_: jax.Array, shape: tuple[int, ...]) -> jax.Array:
            return jnp.broadcast_to(jnp.eye(self.channels) / self.maps, shape)

        kernel = self.param('kernel', averaging, (self.maps, self.channels, self.channels))
        return kernel, self.param('bias', nn.initializers.zeros, (self.channels,))


def add_squares(
    size: tuple[int, int],
    maps: list[jax.Array],
    strides: list[int],
    stride: int,
    bias: jax.Array | float = 0.0,
) -> jax.Array:
    """Adds maps (N, h, w, C), whose samples are squares, interpolated to nodes.

    Args:
      size: numbers of rows and columns of the result.
      maps: maps to add.
      strides: sides in image pixels of the squares of each map.
      stride: distance in image pixels of the nodes of the result.
      bias: (C,), added to the sum.
    """
    sums: dict[int, jax.Array] = {}
    for scores, side in zip(maps, strides, strict=True):
        sums[side] = sums[side] + scores if side in sums else scores
    height, width = size
    fine = [from_patches(x, side, stride)[:, :height, :width] for side, x in sums.items()]
    return functools.reduce(jnp.add, fine, jnp.reshape(bias, (1, 1, 1, -1)))


def add_coarse_to_fine(
    maps: list[jax.Array], strides: list[int], stride: int, bias: jax.Array | float = 0.0
) -> jax.Array:
    """Adds maps (N, h, w, C) of several resolutions, interpolated to the stride of the result.

    Args:
      maps: maps to add.
      strides: stride of each map in image pixels, a power of two, not below `stride`.
      stride: stride of the result.
      bias: (C,), added to the sum.
    """
    coarsest = max(strides)
    total = jnp.reshape(bias, (1, 1, 1, -1))
    while coarsest >= stride:
        for scores, map_stride in zip(maps, strides, strict=True):
            if map_stride == coarsest:
                total = total + scores
        if coarsest > stride:
            total = upsample_2x(total)
        coarsest //= 2
    return total
