"""UberNet: one trunk at three tied scales, and a head for each task.

Dense tasks have linear scores of the trunk's skips, fused; detection has a head of its own. The
branch point is the set of normalised skips and the finest conv5_3. Everything before it is the
parameter group `shared`; each task's head is a group of the task's name.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.config import ModelConfig
from ubernet_jax.models.detection import Detected, DetectionHead
from ubernet_jax.models.scores import linear_scores
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.ops.interpolate import double, subsample
from ubernet_jax.ops.pooling import average_pool
from ubernet_jax.structs import Batch, Outputs
from ubernet_jax.tasks import LabelKind, Task

SHARED = 'shared'  # the trunk's parameter group

Params = dict[str, dict]  # parameter group -> its tree


class Features(NamedTuple):
    """The branch point.

    Attributes:
      levels: per pyramid level, tap -> normalised skip (N, h, w, c).
      conv5: conv5_3 of the finest level, (N, h, w, c) at stride 8, as the detector takes it.
    """

    levels: tuple[dict[str, jax.Array], ...]
    conv5: jax.Array


class Pyramid(nn.Module):
    """The trunk applied to the image at 1, 1/2 and 1/4 of its size, with the same weights."""

    config: ModelConfig

    @nn.compact
    def __call__(self, image: jax.Array, valid: jax.Array, train: bool) -> Features:
        """Maps uint8 (N, H, W, 3) with valid (N, H, W) to the features at the branch point."""
        config = self.config
        trunk = TRUNKS[config.trunk].make(config, 'trunk')
        mean, std = (np.float32(value).reshape(1, 1, 1, 3) for value in (config.mean, config.std))
        normalised = (image.astype(jnp.float32) - mean) / std * valid[..., None]
        levels = [normalised, *(average_pool(normalised, 2**n) for n in range(1, config.scales))]
        outputs = [trunk(level, valid, n, train) for n, level in enumerate(levels)]
        return Features(tuple(taps for taps, _ in outputs), conv5=outputs[0][1])


class DenseHead(nn.Module):
    """Linear scores of every skip, fused within each scale and then across scales.

    The paper interpolates the scores of all skips to the output resolution, concatenates them and
    fuses them by a learned 1x1 layer. Interpolation and 1x1 layers are both linear and commute, so
    the fusion is applied first, at each skip's own resolution, and the sum is interpolated from
    coarse to fine: the same function, without six full-resolution maps.

    With `hidden`, scores of a hidden layer are added to the linear ones: W x + V relu(U x). A
    residual adapter of the task on each skip (arXiv 1705.08045), W (x + A relu(U x)), is V = W A.

    Attributes:
      channels: C, score channels of the task.
      skips: tap -> image pixels per unit of its skip, at full scale.
      stride: image pixels per score, 1 or 8.
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
        scorers = {tap: self._scorer(tap) for tap in self.skips}
        fuse_skips = Fusion(self.channels, name='fuse_skips')
        maps = []
        for level, taps in enumerate(features.levels):
            scores, strides = [], []
            for tap, stride in self.skips.items():
                stride *= 2**level
                step = max(1, self.stride // stride)
                scores.append(scorers[tap](subsample(taps[tap], step)))
                strides.append(stride * step)
            maps.append(fuse_skips(scores, strides, self.stride))
        if len(maps) == 1:
            return maps
        strides = [self.stride] * len(maps)
        return [*maps, Fusion(self.channels, name='fuse_scales')(maps, strides, self.stride)]

    def _scorer(self, tap: str) -> Callable[[jax.Array], jax.Array]:
        linear = linear_scores(self.channels, 0.001, self.dtype, tap)
        if not self.hidden:
            return linear
        initial = nn.initializers.he_normal()
        layer = nn.Dense(self.hidden, kernel_init=initial, dtype=self.dtype, name=f'{tap}_hidden')
        scores = linear_scores(self.channels, 0.001, self.dtype, f'{tap}_scores')
        return lambda x: linear(x) + scores(nn.relu(layer(x)))


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
      config: of the trunk, the pyramid and the detector.
      tasks: by name.
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
            if task.label is LabelKind.BOXES:
                arguments = (zeros.conv5, jnp.zeros((1, 2)))
                initial = self._detector(task).init(head_rng, *arguments, method='detect')
            else:
                initial = self._dense_head(task).init(head_rng, zeros)
            params[name] = initial['params']
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

    def outputs(
        self, task: str, params: dict, features: Features, batch: Batch, rng: jax.Array
    ) -> Outputs:
        """What one task's loss compares: see `DenseHead` and `DetectionHead`.

        Args:
          task: its name.
          params: its group.
          features: of the batch.
          batch: the detector draws its samples around the labelled boxes.
          rng: of these samples, and of dropout in the head.
        """
        row = self.tasks[task]
        if row.label is not LabelKind.BOXES:
            return self.scores(task, params, features)
        sampling_rng, dropout_rng = jax.random.split(rng)
        return self._detector(row).apply(
            {'params': params},
            features.conv5,
            _extents(batch.valid),
            batch.targets[task],
            sampling_rng,
            rngs={'dropout': dropout_rng},
        )

    def scores(self, task: str, params: dict, features: Features) -> list[jax.Array]:
        """A dense task's score maps: see `DenseHead`."""
        return self._dense_head(self.tasks[task]).apply({'params': params}, features)

    def detect(self, task: str, params: dict, features: Features, extents: jax.Array) -> Detected:
        """Detections in images of `extents` (N, 2), height and width in pixels."""
        detector = self._detector(self.tasks[task])
        return detector.apply({'params': params}, features.conv5, extents, method='detect')

    def _pyramid(self) -> Pyramid:
        return Pyramid(self.config)

    def _dense_head(self, task: Task) -> DenseHead:
        skips = TRUNKS[self.config.trunk].strides
        return DenseHead(task.channels, skips, task.stride, task.hidden, self._dtype)

    def _detector(self, task: Task) -> DetectionHead:
        config = self.config
        return DetectionHead(task.channels, config.dropout, config.detection, self._dtype)

    @property
    def _dtype(self) -> jnp.dtype:
        return jnp.dtype(self.config.precision.value)


def _extents(valid: jax.Array) -> jax.Array:
    """Height and width (N, 2) of the images that lie in the upper left of `valid` (N, H, W)."""
    sides = [valid.any(axis).sum(1) for axis in (2, 1)]
    return jnp.stack(sides, -1).astype(jnp.float32)
