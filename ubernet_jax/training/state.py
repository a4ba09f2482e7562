"""The state of training: everything that a step changes."""

import dataclasses
import functools
from typing import cast

import jax
import jax.numpy as jnp
import optax
from flax import struct

from ubernet_jax.compilation import unoptimised
from ubernet_jax.config import Config, Initialisation
from ubernet_jax.network import SHARED, Params, init_variables, make_network
from ubernet_jax.training.asynchronous import GroupState
from ubernet_jax.training.distillation import add_adaptors
from ubernet_jax.training.trained_part import trained_part
from ubernet_jax.weights.arrays import abstract_variables
from ubernet_jax.weights.imagenet import load_imagenet_trunk
from ubernet_jax.weights.initial import load_start
from ubernet_jax.weights.trained import on_first_device


@struct.dataclass
class TrainState:
    """The state after `step` steps.

    Attributes:
      step: int32, steps taken; also the position in the data.
      params: by group.
      batch_stats: running statistics of the skips.
      groups: solver state by group, of the parameters that are trained: see `trained_part`.
      rng: uint32 (2,), key of the run; the key of a step is derived from it and the step.
    """

    step: jax.Array
    params: Params
    batch_stats: dict
    groups: dict[str, GroupState]
    rng: jax.Array


def create_state(config: Config, optimizer: optax.GradientTransformationExtraArgs) -> TrainState:
    """The state before the first step.

    Raises:
      UserError: the trunk's ImageNet weights are not installed, or `model.weights` cannot be used.
    """
    initialise = jax.jit(lambda: _random_state(config, optimizer), compiler_options=unoptimised())
    state = initialise()
    if config.model.weights:
        start = load_start(config.model.weights, state.params, state.batch_stats)
        print(f'starting from {start.summary}', flush=True)
        params, batch_stats = jax.tree.map(jnp.asarray, (start.params, start.batch_stats))
        state = dataclasses.replace(state, params=params, batch_stats=batch_stats)
    elif config.model.initialisation is Initialisation.IMAGENET:
        shared = load_imagenet_trunk(state.params[SHARED])
        state = dataclasses.replace(state, params={**state.params, SHARED: shared})
    return state


def abstract_state(config: Config, optimizer: optax.GradientTransformationExtraArgs) -> TrainState:
    """Shapes and dtypes of the state on this process's first device, without running anything."""
    state = functools.partial(_first_state, config, optimizer)
    variables = abstract_variables(config)
    return on_first_device(jax.eval_shape(state, *variables, jax.random.PRNGKey(0)))


def _random_state(config: Config, optimizer: optax.GradientTransformationExtraArgs) -> TrainState:
    rng, init_rng = jax.random.split(jax.random.PRNGKey(config.seed))
    return _first_state(config, optimizer, *init_variables(config, init_rng), rng)


def _first_state(
    config: Config,
    optimizer: optax.GradientTransformationExtraArgs,
    params: Params,
    batch_stats: dict,
    rng: jax.Array,
) -> TrainState:
    params = add_adaptors(make_network(config), params, batch_stats)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        batch_stats=batch_stats,
        groups=cast(dict[str, GroupState], optimizer.init(trained_part(config.model, params))),
        rng=rng,
    )
