"""UberNet: one trunk at three tied scales, and for each task linear scores of its skips, fused.

The branch point is the set of normalised skips. Everything before it is the parameter group
`shared`; each task's head is a group of the task's name.
"""

import dataclasses
from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.config import ModelConfig
from ubernet_jax.models.vgg import TAP_STRIDES, VGG
from ubernet_jax.ops.interpolate import double, subsample
from ubernet_jax.ops.pooling import average_pool
from ubernet_jax.tasks import Task

SHARED = 'shared'  # the trunk's parameter group

Features = tuple[dict[str, jax.Array], ...]  # per pyramid level: tap -> (N, h, w, c)
Params = dict[str, dict]  # parameter group -> its tree


class Pyramid(nn.Module):
    """The trunk applied to the image at 1, 1/2 and 1/4 of its size, with the same weights."""

    config: ModelConfig

    @nn.compact
    def __call__(self, image: jax.Array, valid: jax.Array, train: bool) -> Features:
        """Maps uint8 (N, H, W, 3) with valid (N, H, W) to the features at the branch point."""
        config = self.config
        trunk = VGG(
            config.width,
            config.dropout,
            config.frozen_blocks,
            config.checkpoint,
            config.statistics,
            name='trunk',
        )
        mean, std = (np.float32(value).reshape(1, 1, 1, 3) for value in (config.mean, config.std))
        normalised = (image.astype(jnp.float32) - mean) / std * valid[..., None]
        levels = [normalised, *(average_pool(normalised, 2**n) for n in range(1, config.scales))]
        return tuple(trunk(level, valid, n, train) for n, level in enumerate(levels))


class DenseHead(nn.Module):
    """Linear scores of every skip, fused within each scale and then across scales.

    The paper interpolates the scores of all skips to the output resolution, concatenates them and
    fuses them by a learned 1x1 layer. Interpolation and 1x1 layers are both linear and commute, so
    the fusion is applied first, at each skip's own resolution, and the sum is interpolated from
    coarse to fine: the same function, without six full-resolution maps.

    Attributes:
      channels: C, score channels of the task.
      stride: image pixels per score, 1 or 8.
    """

    channels: int
    stride: int

    @nn.compact
    def __call__(self, features: Features) -> list[jax.Array]:
        """Returns scores (N, H, W, C) at the task's resolution: one map a scale, then the fusion.

        With a single scale there is nothing to fuse across, and one map is all.
        """
        scorers = {
            tap: nn.Dense(self.channels, kernel_init=nn.initializers.normal(0.001), name=tap)
            for tap in TAP_STRIDES
        }
        fuse_skips = Fusion(self.channels, name='fuse_skips')
        maps = []
        for level, taps in enumerate(features):
            scores, strides = [], []
            for tap, stride in TAP_STRIDES.items():
                stride *= 2**level
                step = max(1, self.stride // stride)
                scores.append(scorers[tap](subsample(taps[tap], step)))
                strides.append(stride * step)
            maps.append(fuse_skips(scores, strides, self.stride))
        if len(maps) == 1:
            return maps
        strides = [self.stride] * len(maps)
        return [*maps, Fusion(self.channels, name='fuse_scales')(maps, strides, self.stride)]


class Fusion(nn.Module):
    """A 1x1 layer over concatenated score maps of several resolutions, initially their average."""

    channels: int

    @nn.compact
    def __call__(self, maps: list[jax.Array], strides: list[int], stride: int) -> jax.Array:
        """Fuses maps (N, h, w, C), given the image pixels per score of each, at `stride`."""

        def averaging(_: jax.Array, shape: tuple[int, ...]) -> jax.Array:
            return jnp.broadcast_to(jnp.eye(self.channels) / len(maps), shape)

        kernel = self.param('kernel', averaging, (len(maps), self.channels, self.channels))
        bias = self.param('bias', nn.initializers.zeros, (self.channels,))
        coarsest = max(strides)
        total = bias.reshape(1, 1, 1, -1)
        while coarsest >= stride:
            for scores, weights, own in zip(maps, kernel, strides, strict=True):
                if own == coarsest:
                    total = total + scores @ weights
            if coarsest > stride:
                total = double(total)
            coarsest //= 2
        return total


@dataclasses.dataclass(frozen=True, eq=False)  # hashed by identity: static in jitted functions
class UberNet:
    """The whole network as pure functions of explicit parameters.

    Attributes:
      config: of the trunk and the pyramid.
      tasks: the dense tasks, by name.
    """

    config: ModelConfig
    tasks: Mapping[str, Task]

    def init(self, rng: jax.Array) -> tuple[Params, dict]:
        """Returns (params by group, batch statistics), randomly initialised."""
        image = jnp.zeros((1, 33, 33, 3), jnp.uint8)
        trunk_rng, *head_rngs = jax.random.split(rng, 1 + len(self.tasks))
        variables = self._pyramid().init(trunk_rng, image, jnp.ones((1, 33, 33), bool), False)
        features = jax.eval_shape(
            lambda v: self._pyramid().apply(v, image, jnp.ones((1, 33, 33), bool), False), variables
        )
        zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), features)
        params = {SHARED: variables['params']}
        for (name, task), head_rng in zip(self.tasks.items(), head_rngs, strict=True):
            params[name] = _head(task).init(head_rng, zeros)['params']
        return params, variables['batch_stats']

    def features(
        self,
        params: dict,
        batch_stats: dict,
        image: jax.Array,
        valid: jax.Array,
        dropout_rng: jax.Array | None = None,
    ) -> tuple[Features, dict]:
        """The trunk: returns (features at the branch point, updated batch statistics).

        Args:
          params: the group `shared`.
          batch_stats: running statistics of the skips.
          image: uint8 (N, H, W, 3), sides 32k+1.
          valid: bool (N, H, W).
          dropout_rng: given in training; without it the running statistics are used and returned.
        """
        variables = {'params': params, 'batch_stats': batch_stats}
        if dropout_rng is None:
            return self._pyramid().apply(variables, image, valid, False), batch_stats
        features, updated = self._pyramid().apply(
            variables,
            image,
            valid,
            True,
            rngs={'dropout': dropout_rng},
            mutable=['batch_stats'],
        )
        return features, updated['batch_stats']

    def scores(self, task: str, params: dict, features: Features) -> list[jax.Array]:
        """One task's head with its group's parameters: see `DenseHead`."""
        return _head(self.tasks[task]).apply({'params': params}, features)

    def _pyramid(self) -> Pyramid:
        return Pyramid(self.config)


def _head(task: Task) -> DenseHead:
    return DenseHead(task.channels, task.stride)
