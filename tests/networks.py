"""Random states and micro-batches, for tests that run the real training step on tiny networks."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import plain_network

from ubernet_jax.config import Config
from ubernet_jax.models.ubernet import make_network
from ubernet_jax.structs import Batch, BoxTargets
from ubernet_jax.tasks import VOID, LossKind, Task
from ubernet_jax.training.optim import make_optimizer
from ubernet_jax.training.parallel import make_mesh, replicate
from ubernet_jax.training.state import TrainState
from ubernet_jax.training.step import train_step

# Half the time to compile for a CPU. Buffers are the same, and so are the results to rounding.
FAST_COMPILATION = {'xla_backend_optimization_level': 0}


def make_batch(
    tasks: Mapping[str, Task],
    labelled: np.ndarray,
    height: int = 33,
    width: int = 65,
    seed: int = 0,
) -> Batch:
    """A micro-batch of noise, with void pixels, and padding on the right.

    Args:
      tasks: of the network.
      labelled: bool (N, T), which of the N images has labels for which of the T tasks; targets of
        the others are noise too.
    """
    rng = np.random.default_rng(seed)
    shape = (len(labelled), height, width)
    valid = np.ones(shape, bool)
    valid[..., 3 * width // 4 :] = False
    return Batch(
        image=rng.integers(0, 256, (*shape, 3), np.uint8),
        valid=valid,
        targets={name: _random_target(rng, task, shape) for name, task in tasks.items()},
        labelled={name: labelled[:, index] for index, name in enumerate(tasks)},
    )


def _random_target(
    rng: np.random.Generator, task: Task, shape: tuple[int, ...]
) -> np.ndarray | BoxTargets:
    if task.loss is LossKind.DETECTION:
        corners = rng.uniform(0, 15, (shape[0], 3, 2)).astype(np.float32)
        return BoxTargets(
            corners=np.concatenate([corners, corners + 16], -1),
            classes=rng.integers(1, task.channels, (shape[0], 3), np.int32),
            valid=np.tile([True, True, False], (shape[0], 1)),
        )
    void = rng.random(shape) < 0.2
    if task.loss is LossKind.UNIT_VECTOR:
        vectors = rng.normal(size=(*shape, 3))
        vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
        vectors[void] = 0
        return vectors.astype(np.float32)
    target = rng.integers(0, task.channels, shape, np.int32)
    target[void] = VOID
    return target


def make_state(config: Config) -> TrainState:
    """A state before the first step, with weights and statistics none of which is zero."""
    variables = plain_network.random_variables(make_network(config))
    params, batch_stats = jax.tree.map(jnp.asarray, variables)
    state = TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        batch_stats=batch_stats,
        groups=make_optimizer(config).init(params),
        rng=jax.random.PRNGKey(config.seed),
    )
    return replicate(make_mesh(config.data.micro_batches), state)


def make_step(config: Config) -> Callable:
    """The training step, not yet jitted: (state, batch) -> (state, metrics)."""
    network, optimizer = make_network(config), make_optimizer(config)
    mesh = make_mesh(config.data.micro_batches)
    return lambda state, batch: train_step(network, optimizer, config, mesh, state, batch)
