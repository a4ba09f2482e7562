"""UberNet: one trunk at three tied scales, and a head for each task.

Dense tasks have linear scores of the trunk's skips, fused; detection has a head of its own. The
branch point is the set of normalised skips and the finest conv5_3. Everything before it is the
parameter group `shared`; each task's head is a group of the task's name.
"""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from ubernet_jax.config import Config, ModelConfig
from ubernet_jax.models.dense import DenseHead
from ubernet_jax.models.detection import Detected, DetectionHead
from ubernet_jax.models.pyramid import Features, Pyramid
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.structs import Batch, Outputs
from ubernet_jax.tasks import LabelKind, Task

SHARED = 'shared'  # the trunk's parameter group

Params = dict[str, dict]  # parameter group -> its tree


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


def make_network(config: Config) -> UberNet:
    """The network that a configuration describes."""
    return UberNet(config.model, config.task_table())
