"""The state of training: everything that a step changes."""

import dataclasses
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
from ubernet_jax.training.trained_part import join, trained_part
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
      averages: moving averages of the parameters that are trained; empty without `optim.ema`.
    """

    step: jax.Array
    params: Params
    batch_stats: dict
    groups: dict[str, GroupState]
    rng: jax.Array
    averages: Params = struct.field(default_factory=dict)

    @property
    def predicting_params(self) -> Params:
        """The parameters that the network predicts with: averages where there are any."""
        return join(self.params, self.averages)


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
    return with_averages(config, state)


def abstract_state(config: Config, optimizer: optax.GradientTransformationExtraArgs) -> TrainState:
    """Shapes and dtypes of the state on this process's first device, without running anything."""

    def make() -> TrainState:
        return with_averages(config, _random_state(config, optimizer))

    return on_first_device(jax.eval_shape(make))


def with_averages(config: Config, state: TrainState) -> TrainState:
    """Starts the averages, if there are any; of frozen parameters there is none.

    They are copies, because a step donates both to the next state.
    """
    if not config.optim.ema:
        return state
    averages = jax.tree.map(jnp.copy, trained_part(config.model, state.params))
    return dataclasses.replace(state, averages=averages)


def _random_state(config: Config, optimizer: optax.GradientTransformationExtraArgs) -> TrainState:
    rng, init_rng = jax.random.split(jax.random.PRNGKey(config.seed))
    params, batch_stats = init_variables(config, init_rng)
    params = add_adaptors(make_network(config), params, batch_stats)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        batch_stats=batch_stats,
        groups=cast(dict[str, GroupState], optimizer.init(trained_part(config.model, params))),
        rng=rng,
    )
