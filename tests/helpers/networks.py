"""Random states and micro-batches, for tests that run the real training step on tiny networks."""

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from helpers import plain_network
from ubernet_jax.batch import Batch
from ubernet_jax.config import Config
from ubernet_jax.labels.unit_vectors import to_integers
from ubernet_jax.network import make_network
from ubernet_jax.tasks import Depth, Detection, Normals, Task
from ubernet_jax.training.checkpoint import Checkpoints
from ubernet_jax.training.distillation import add_adaptors
from ubernet_jax.training.groups import groups_of
from ubernet_jax.training.optim import make_optimizer
from ubernet_jax.training.parallel import make_mesh, replicate
from ubernet_jax.training.settings import make_step_settings
from ubernet_jax.training.state import TrainState
from ubernet_jax.training.step import train_step
from ubernet_jax.training.trained_part import trained_part
from ubernet_jax.weights.trained import open_checkpoint

MANY = 10_000  # updates of a group: so many that its learning rate does not fall during a test


def make_batch(
    tasks: Mapping[str, Task],
    labelled: np.ndarray,
    height: int = 33,
    width: int = 65,
    seed: int = 0,
) -> Batch:
    """Makes a random micro-batch with targets of all tasks, void pixels, and padding on the right.

    Args:
      tasks: tasks of the network.
      labelled: bool (N, T), whether each of N images is labelled for each of T tasks; targets
        without labels are random too.
      height: height of the images.
      width: width of the images; a quarter of it is padding.
      seed: seed of the random numbers.
    """
    rng = np.random.default_rng(seed)
    shape = (len(labelled), height, width)
    return Batch(
        image=rng.integers(0, 256, (*shape, 3), np.uint8),
        image_sizes=np.tile(np.int32([height, 3 * width // 4]), (len(labelled), 1)),
        scales=np.ones((len(labelled), 2), np.float32),
        targets={name: _random_target(rng, task, shape) for name, task in tasks.items()},
        labelled={name: labelled[:, index] for index, name in enumerate(tasks)},
        taught={name: np.zeros(len(labelled), bool) for name in tasks},
    )


def _random_target(rng: np.random.Generator, task: Task, shape: tuple[int, int, int]) -> Any:
    target = task.empty_target(shape[0], shape[1:])
    if isinstance(task, Detection):
        corners = rng.uniform(0, 15, (shape[0], 2, 2))
        target.corners[:, :2] = np.concatenate([corners, corners + 16], -1)
        target.classes[:, :2] = rng.integers(1, len(task.classes), (shape[0], 2))
        target.valid[:, :2] = True
        return target
    shape = target.shape[:3]  # at the stride of the task
    known = rng.random(shape) >= 0.2
    if isinstance(task, Normals):
        vectors = rng.normal(size=target.shape)
        vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
        target[known] = to_integers(vectors, np.int8)[known]
    elif isinstance(task, Depth):
        target[known] = rng.uniform(1, 5, shape)[known]
    else:
        target[known] = rng.integers(0, task.channels, shape)[known]
    return target


def make_solver(config: Config, updates: int = MANY) -> optax.GradientTransformationExtraArgs:
    """Makes the optimizer of a run in which every group is expected to make `updates` updates."""
    groups = groups_of(config.optim, config.tasks)
    return make_optimizer(config.optim, config.model, groups, dict.fromkeys(groups, updates))


def make_state(config: Config) -> TrainState:
    """Makes a state before the first step, with nonzero weights and statistics."""
    network = make_network(config)
    params, batch_stats = jax.tree.map(jnp.asarray, plain_network.random_variables(network))
    params = add_adaptors(network, params, batch_stats)
    state = TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        batch_stats=batch_stats,
        groups=jax.jit(make_solver(config).init)(trained_part(config.model, params)),
        rng=jax.random.PRNGKey(config.seed),
    )
    return replicate(make_mesh(config.data.micro_batches_per_step), state)


def read_state(workdir: pathlib.Path) -> TrainState:
    """Reads the newest state of a run."""
    trained = open_checkpoint(workdir)
    return Checkpoints(workdir).restore(trained.config, trained.step, make_solver(trained.config))


def make_step(config: Config, updates: int = MANY) -> Callable:
    """Makes the training step, without jit: (state, batch) -> (state, metrics)."""
    settings = make_step_settings(config, make_network(config))
    optimizer = make_solver(config, updates)
    mesh = make_mesh(config.data.micro_batches_per_step)
    return lambda state, batch: train_step(settings, optimizer, mesh, state, batch)


@jax.jit
def relative_distance(actual: Any, wanted: Any) -> jax.Array:
    """The norm of the difference of two trees, as a share of the norm of `wanted`."""
    return optax.tree.norm(optax.tree.sub(actual, wanted)) / optax.tree.norm(wanted)
