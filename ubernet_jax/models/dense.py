"""The head of a dense task: linear scores of every skip, fused within each scale and across scales.

The paper interpolates the scores of all skips to the output resolution, concatenates them and
fuses them by a learned 1x1 layer. Interpolation and 1x1 layers are linear: so the kernels of a
skip's scores and of their fusion are multiplied first, each skip's product is taken at its own
resolution, and the sum is interpolated from coarse to fine. The same function, without six
full-resolution maps.
"""

from collections.abc import Callable, Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from ubernet_jax.models.pyramid import Features
from ubernet_jax.ops.custom_vjp.relu import relu
from ubernet_jax.ops.interpolate import subsample, upsample_2x


class DenseHead(nn.Module):
    """Scores of one task at all scales (paper, section 2.1).

    With `hidden`, scores of a hidden layer are added to the linear ones: W x + V relu(U x). A
    residual adapter of the task on each skip (arXiv 1705.08045), W (x + A relu(U x)), is V = W A.

    Attributes:
      channels: C, score channels of the task.
      skips: tap -> image pixels per unit of its skip, at full scale.
      stride: image pixels per score: 1, 2, 4 or 8.
      hidden: width of the hidden layer of each skip; 0 is none, as in the paper.
      dtype: of the products with the skips; their sums and the scores are float32.
    """

    channels: int
    skips: Mapping[str, int]
    stride: int
    hidden: int = 0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, features: Features) -> list[jax.Array]:
        """Returns scores (N, H, W, C) at the task's resolution: one map a scale, then the fusion.

        With a single scale there is nothing to fuse across, and one map is all.
        """
        fusion, bias = Fusion(len(self.skips), self.channels, name='fuse_skips')()
        scorers = {tap: self._scorer(tap) for tap in self.skips}
        scales = []  # at the stride of each scale's finest skip
        for level, taps in enumerate(features.levels):
            scores, strides = [], []
            for (tap, stride), mixing in zip(self.skips.items(), fusion, strict=True):
                stride *= 2**level
                step = max(1, self.stride // stride)
                scores.append(scorers[tap](subsample(taps[tap], step), mixing))
                strides.append(stride * step)
            scales.append((add_coarse_to_fine(scores, strides, min(strides), bias), min(strides)))
        maps = [add_coarse_to_fine([scores], [own], self.stride) for scores, own in scales]
        if len(maps) == 1:
            return maps
        fusion, bias = Fusion(len(maps), self.channels, name='fuse_scales')()
        mixed = [scores @ mixing for (scores, _), mixing in zip(scales, fusion, strict=True)]
        strides = [own for _, own in scales]
        return [*maps, add_coarse_to_fine(mixed, strides, self.stride, bias)]

    def _scorer(self, tap: str) -> Callable[[jax.Array, jax.Array], jax.Array]:
        linear = MixedScores(self.channels, self.dtype, name=tap)
        if not self.hidden:
            return linear
        initial = nn.initializers.he_normal()
        layer = nn.Dense(self.hidden, kernel_init=initial, dtype=self.dtype, name=f'{tap}_hidden')
        scores = MixedScores(self.channels, self.dtype, name=f'{tap}_scores')
        return lambda x, mixing: linear(x, mixing) + scores(relu(layer(x)), mixing)


class MixedScores(nn.Module):
    """A 1x1 layer whose scores are mixed by another one.

    Attributes:
      channels: C, of the scores.
      dtype: of the product.
    """

    channels: int
    dtype: jnp.dtype

    @nn.compact
    def __call__(self, x: jax.Array, mixing: jax.Array) -> jax.Array:
        """Maps x (N, h, w, c) and the kernel (C, C) of the other layer to (N, h, w, C), float32."""
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
    """The kernel of a 1x1 layer over concatenated score maps, initially their average.

    Attributes:
      maps: how many.
      channels: C, of each map and of the result.
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


def add_coarse_to_fine(
    maps: list[jax.Array], strides: list[int], stride: int, bias: jax.Array | float = 0.0
) -> jax.Array:
    """Sum of maps (N, h, w, C) of several resolutions, interpolated to the finest of interest.

    Args:
      maps: to be added.
      strides: image pixels per unit of each map, powers of two, none below `stride`.
      stride: of the result.
      bias: (C,), added.
    """
    coarsest = max(strides)
    total = jnp.reshape(bias, (1, 1, 1, -1))
    while coarsest >= stride:
        for scores, own in zip(maps, strides, strict=True):
            if own == coarsest:
                total = total + scores
        if coarsest > stride:
            total = upsample_2x(total)
        coarsest //= 2
    return total
