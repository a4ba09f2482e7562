"""Random states and micro-batches, for tests that run the real training step on tiny networks."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import plain_network

from ubernet_jax.config import Config, LossConfig, TaskConfig
from ubernet_jax.losses import task_loss
from ubernet_jax.models.ubernet import SHARED, Params, UberNet
from ubernet_jax.optim import make_optimizer
from ubernet_jax.state import TrainState, make_network
from ubernet_jax.step import Metrics, train_step
from ubernet_jax.structs import Batch
from ubernet_jax.tasks import VOID, LossKind, Task

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


def _random_target(rng: np.random.Generator, task: Task, shape: tuple[int, ...]) -> np.ndarray:
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
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        batch_stats=batch_stats,
        groups=make_optimizer(config).init(params),
        rng=jax.random.PRNGKey(config.seed),
    )


def make_step(config: Config) -> Callable:
    """The training step, not yet jitted: (state, batch) -> (state, metrics)."""
    network, optimizer = make_network(config), make_optimizer(config)
    algorithm = config.optim.algorithm

    def step(state: TrainState, batch: Batch) -> tuple[TrainState, Metrics]:
        return train_step(network, optimizer, config.tasks, config.loss, algorithm, state, batch)

    return step


def plain_gradients(
    network: UberNet,
    task_configs: dict[str, TaskConfig],
    loss_config: LossConfig,
    params: Params,
    batch_stats: dict,
    batch: Batch,
    dropout_rng: jax.Array,
) -> tuple[Params, dict[str, jax.Array]]:
    """The step's (gradient sums, losses) by plain differentiation of the weighted sum of losses."""

    def total(params: Params) -> tuple[jax.Array, dict[str, jax.Array]]:
        features, _ = network.features(
            params[SHARED], batch_stats, batch.image, batch.valid, dropout_rng
        )
        losses = {}
        for name, task in network.tasks.items():
            maps = network.scores(name, params[name], features)
            target, labelled = batch.targets[name], batch.labelled[name]
            losses[name] = task_loss(task, maps, target, batch.valid, labelled, loss_config)
        return sum(task_configs[name].weight * loss for name, loss in losses.items()), losses

    return jax.grad(total, has_aux=True)(params)
