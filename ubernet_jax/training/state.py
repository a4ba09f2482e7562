"""Everything that training changes, in one explicit structure."""

import pathlib

import jax
import jax.numpy as jnp
from flax import struct

from ubernet_jax.config import Config, Initialisation
from ubernet_jax.losses.uncertainty import LOG_VARIANCE
from ubernet_jax.models.ubernet import SHARED, Params, make_network
from ubernet_jax.training.optim import GroupState, make_optimizer
from ubernet_jax.weights.imagenet import load_imagenet_trunk
from ubernet_jax.weights.initial import load_start


@struct.dataclass
class TrainState:
    """The state after `step` micro-batches.

    Attributes:
      step: int32, micro-batches seen; also the position in the data.
      params: by group.
      batch_stats: running statistics of the skips.
      groups: solver state by group.
      rng: uint32 (2,), key of the run; a step's key is derived from it and the step.
    """

    step: jax.Array
    params: Params
    batch_stats: dict
    groups: dict[str, GroupState]
    rng: jax.Array


def create_state(config: Config) -> TrainState:
    """The state before the first step.

    Raises:
      UserError: the trunk's ImageNet weights are not installed, or `model.weights` cannot be used.
    """
    state = jax.jit(lambda: _random_state(config))()
    if config.model.weights:
        path = pathlib.Path(config.model.weights)
        start = load_start(path, state.params, state.batch_stats)
        print(f'starting from {start.summary}', flush=True)
        params, batch_stats = jax.tree.map(jnp.asarray, (start.params, start.batch_stats))
        state = state.replace(params=params, batch_stats=batch_stats)
    elif config.model.initialisation is Initialisation.IMAGENET:
        shared = load_imagenet_trunk(state.params[SHARED])
        state = state.replace(params={**state.params, SHARED: shared})
    return state


def abstract_state(config: Config) -> TrainState:
    """Shapes and dtypes of the state on this process's first device, without running anything."""
    here = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    return jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=here),
        jax.eval_shape(lambda: _random_state(config)),
    )


def _random_state(config: Config) -> TrainState:
    rng, init_rng = jax.random.split(jax.random.PRNGKey(config.seed))
    params, batch_stats = make_network(config).init(init_rng)
    if config.loss.uncertainty:
        params = with_log_variances(params)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        batch_stats=batch_stats,
        groups=make_optimizer(config).init(params),
        rng=rng,
    )


def with_log_variances(params: Params) -> Params:
    """The parameters and, in each task's group, a log-variance of 0: its loss has weight 1."""
    return {
        group: tree if group == SHARED else {**tree, LOG_VARIANCE: jnp.zeros(())}
        for group, tree in params.items()
    }
