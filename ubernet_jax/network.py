"""UberNet: one trunk at three tied scales, and a head for each task.

The branch point is the set of normalised skips and the finest conv5_3. Everything before it is the
parameter group `shared`; each task's head, which its kind says, is a group of the task's name.
"""

import dataclasses
from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp

from ubernet_jax.config import Config
from ubernet_jax.losses.uncertainty import LOG_VARIANCE
from ubernet_jax.models.pyramid import Features, Pyramid
from ubernet_jax.models.settings import ModelConfig
from ubernet_jax.tasks import Task
from ubernet_jax.tasks.group import SHARED as SHARED

Params = dict[str, dict]  # parameter group -> its tree


@dataclasses.dataclass(frozen=True, eq=False)  # hashed by identity: static in jitted functions
class Network:
    """The whole network as pure functions of explicit parameters.

    Attributes:
      config: of the trunk and the pyramid.
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
        for name, head_rng in zip(self.tasks, head_rngs, strict=True):
            params[name] = self.tasks[name].init_head(self.head(name), head_rng, zeros)
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

    def head(self, task: str) -> nn.Module:
        """The head of a task."""
        return self.tasks[task].head(self.config)

    def _pyramid(self) -> Pyramid:
        return Pyramid(self.config)


def make_network(config: Config) -> Network:
    """The network that a configuration describes."""
    return Network(config.model, config.tasks)


def init_variables(config: Config, rng: jax.Array) -> tuple[Params, dict]:
    """Returns (params by group, batch statistics) of a run's network, randomly initialised.

    With `loss.uncertainty`, each task's group has a log-variance of 0 too: its loss has weight 1.
    """
    params, batch_stats = make_network(config).init(rng)
    if config.loss.uncertainty:
        params = {
            group: tree if group == SHARED else {**tree, LOG_VARIANCE: jnp.zeros(())}
            for group, tree in params.items()
        }
    return params, batch_stats
