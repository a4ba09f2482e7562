"""Random gradients and labels for the solver, and the solver run on them."""

import functools

import jax
import numpy as np
import optax

from ubernet_jax import config as c
from ubernet_jax.network import SHARED
from ubernet_jax.training.groups import groups_of
from ubernet_jax.training.optim import make_optimizer, sample_counts

TASKS = ('normals', 'saliency', 'segmentation')
LABELLED = (0.7, 0.5, 0.3)  # probability that an image is labelled for each task
EXPECTED = {SHARED: 40, 'normals': 60, 'saliency': 20, 'segmentation': 24}  # updates
STEPS = 400
LAYER = {'kernel': (3, 2), 'bias': (2,)}  # every group has one such layer


def make_config(**optim: object) -> c.Config:
    """Three tasks and a trunk with different batch sizes and learning rates."""
    schedule = {'decay_at': (0.25, 0.75)}
    return c.Config(
        tasks={
            'normals': c.Normals(batch_size=4, learning_rate=0.05, **schedule),
            'saliency': c.SoftMask(batch_size=3, learning_rate=0.02, **schedule),
            'segmentation': c.Segmentation(batch_size=5, learning_rate=0.1, **schedule),
        },
        optim=c.OptimConfig(
            shared=c.GroupConfig(batch_size=7, learning_rate=0.01, **schedule),
            weight_decay=0.1,
            **optim,
        ),
    )


def random_params() -> dict:
    """Parameters of every group: group -> `layer` -> leaf."""
    rng = np.random.default_rng(0)
    return {
        group: {'layer': {name: rng.normal(size=shape) for name, shape in LAYER.items()}}
        for group in (SHARED, *TASKS)
    }


def random_stream(images: int) -> tuple[np.ndarray, dict]:
    """Labels bool (steps, images, tasks), and each image's gradients by group and leaf."""
    rng = np.random.default_rng(images)
    labelled = rng.random((STEPS, images, len(TASKS))) < LABELLED
    gradients = {
        group: {name: rng.normal(size=(STEPS, images, *LAYER[name])) for name in LAYER}
        for group in (SHARED, *TASKS)
    }
    for index, task in enumerate(TASKS):
        for gradient in gradients[task].values():
            gradient[~labelled[..., index]] = 0
    return labelled, gradients


def solver_of(config: c.Config, updates: dict[str, int]) -> optax.GradientTransformationExtraArgs:
    """The solver of a configuration whose groups are expected to make these updates."""
    groups = groups_of(config.optim, config.tasks)
    return make_optimizer(config.optim, config.model, groups, updates)


def run_solver(config: c.Config, params: dict, labelled: np.ndarray, gradients: dict) -> tuple:
    """(params, solver state) after every micro-batch, stacked along the first axis."""
    optimizer = solver_of(config, EXPECTED)
    by_task = {task: labelled[..., index].sum(1) for index, task in enumerate(TASKS)}
    images = np.full(STEPS, labelled.shape[1])
    counts = sample_counts(config.optim.algorithm, by_task, images)
    sums = {
        group: {'layer': {name: gradient.sum(1) for name, gradient in tree.items()}}
        for group, tree in gradients.items()
    }
    params, sums = jax.tree.map(lambda x: x.astype(np.float32), (params, sums))
    counts = jax.tree.map(lambda x: x.astype(np.int32), counts)

    def step(carry, inputs):
        params, state = carry
        updates, state = optimizer.update(inputs[0], state, params, counts=inputs[1])
        carry = optax.apply_updates(params, updates), state
        return carry, carry

    start = params, optimizer.init(params)
    _, trajectory = jax.jit(functools.partial(jax.lax.scan, step))(start, (sums, counts))
    return jax.tree.map(np.asarray, trajectory)
