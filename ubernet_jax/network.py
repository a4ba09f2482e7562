"""UberNet: a trunk with shared weights on an image pyramid, and a head for each task.

The heads branch off at the normalised skips of all pyramid levels and conv5_3 of the finest level.
The parameters of the trunk form the group `shared`; those of a task's head form a group with the
task's name.
"""

import dataclasses
from collections.abc import Mapping
from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp

from ubernet_jax.config import Config
from ubernet_jax.losses.uncertainty import LOG_VARIANCE
from ubernet_jax.models.grid import Grid
from ubernet_jax.models.pyramid import Features, Pyramid
from ubernet_jax.models.settings import ModelConfig
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.tasks import Task
from ubernet_jax.tasks.group import SHARED as SHARED

Params = dict[str, dict]  # name of a parameter group -> its tree of parameters


@dataclasses.dataclass(frozen=True, eq=False)  # hashed by identity: static in jitted functions
class Network:
    """The network as pure functions of explicit parameters.

    Attributes:
      config: settings of the trunk and the image pyramid.
      tasks: the tasks by name.
    """

    config: ModelConfig
    tasks: Mapping[str, Task]

    @property
    def grid(self) -> Grid:
        """The sides that images may have."""
        return TRUNKS[self.config.trunk].grid

    def init(self, rng: jax.Array) -> tuple[Params, dict]:
        """Returns (params by group, batch statistics), randomly initialised."""
        side = self.grid.side(1)
        image, valid = jnp.zeros((1, side, side, 3), jnp.uint8), jnp.ones((1, side, side), bool)
        trunk_rng, *head_rngs = jax.random.split(rng, 1 + len(self.tasks))
        features, variables = self._pyramid().init_with_output(trunk_rng, image, valid, False)
        zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), features)
        params: Params = {SHARED: cast(dict, variables['params'])}
        for name, head_rng in zip(self.tasks, head_rngs, strict=True):
            params[name] = self.tasks[name].init_head(self.head(name), head_rng, zeros)
        return params, cast(dict, variables['batch_stats'])

    def features(
        self,
        params: dict,
        batch_stats: dict,
        image: jax.Array,
        valid: jax.Array,
        dropout_rng: jax.Array | None = None,
        kept: Mapping[str, jax.Array] | None = None,
    ) -> tuple[Features, dict]:
        """Applies the trunk; returns (features at the branch point, updated batch statistics).

        Args:
          params: the group `shared`.
          batch_stats: running statistics of the skips.
          image: uint8 (N, H, W, 3), with sides that the grid allows.
          valid: bool (N, H, W).
          dropout_rng: random key in training; None in inference, where the running statistics are
            used and returned unchanged.
          kept: activations of the frozen blocks (see `frozen`), which are then not computed; None
            or empty to compute all.
        """
        variables = {'params': params, 'batch_stats': batch_stats}
        inputs, method = (image, valid), None
        if kept:
            inputs, method = (dict(kept), *inputs), 'resume'
        if dropout_rng is None:
            features = self._pyramid().apply(variables, *inputs, False, method=method)
            return cast(Features, features), batch_stats
        features, updated = self._pyramid().apply(
            variables,
            *inputs,
            True,
            method=method,
            rngs={'dropout': dropout_rng},
            mutable=['batch_stats'],
        )
        return features, cast(dict, updated['batch_stats'])

    def frozen(self, params: dict, image: jax.Array, valid: jax.Array) -> dict[str, jax.Array]:
        """Returns the activations of the frozen blocks by name, to be kept: see `vit.ViT.frozen`.

        Args:
          params: the group `shared`.
          image: uint8 (N, H, W, 3).
          valid: bool (N, H, W).
        """
        kept = self._pyramid().apply({'params': params}, image, valid, method='frozen')
        return cast(dict[str, jax.Array], kept)

    @property
    def is_frozen(self) -> bool:
        """Whether nothing of the trunk is trained."""
        return TRUNKS[self.config.trunk].is_frozen(self.config)

    def head(self, task: str) -> nn.Module:
        """Builds the head of a task."""
        return self.tasks[task].head(self.config)

    def _pyramid(self) -> Pyramid:
        return Pyramid(self.config)


def make_network(config: Config) -> Network:
    """Builds the network that a configuration describes."""
    return Network(config.model, config.tasks)


def init_variables(config: Config, rng: jax.Array) -> tuple[Params, dict]:
    """Returns (params by group, batch statistics) of a run's network, randomly initialised.

    With `loss.uncertainty`, each task's group also has a log-variance, initially 0, which is a loss
    weight of 1.
    """
    params, batch_stats = make_network(config).init(rng)
    if config.loss.uncertainty:
        params = {
            group: tree if group == SHARED else {**tree, LOG_VARIANCE: jnp.zeros(())}
            for group, tree in params.items()
        }
    return params, batch_stats
