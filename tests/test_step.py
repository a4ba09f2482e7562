"""The gradient step: equal to the plain sum of losses, lazy, guarded, and compiled once a shape."""

import functools
import time

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_config
from networks import FAST_COMPILATION, make_batch, make_state, make_step

from ubernet_jax import config as c
from ubernet_jax.losses import task_loss
from ubernet_jax.models.ubernet import SHARED
from ubernet_jax.state import make_network
from ubernet_jax.step import compute_gradients
from ubernet_jax.tasks import TASKS

WEIGHTS = dict(zip(TASKS, (1.0, 5.0, 0.25, 1.0, 2.0, 0.5), strict=True))


@pytest.fixture(scope='module')
def six_tasks():
    """Jitted functions of a micro-batch: its `Gradients`, and (losses, gradient) of their sum."""
    config = c.Config(
        tasks={name: c.TaskConfig(weight=weight) for name, weight in WEIGHTS.items()},
        model=c.ModelConfig(width=1 / 16, scales=2),
    )
    state = make_state(config)
    network = make_network(config)
    rest = state.batch_stats, state.rng

    def ours(batch):
        stats, key = rest
        return compute_gradients(
            network, config.tasks, config.loss, state.params, stats, batch, key
        )

    def plain(batch):
        def total(params):
            stats, key = rest
            features, _ = network.features(params[SHARED], stats, batch.image, batch.valid, key)
            losses = {
                name: task_loss(
                    task,
                    network.scores(name, params[name], features),
                    batch.targets[name],
                    batch.valid,
                    batch.labelled[name],
                    config.loss,
                )
                for name, task in TASKS.items()
            }
            return sum(WEIGHTS[name] * loss for name, loss in losses.items()), losses

        gradient, losses = jax.grad(total, has_aux=True)(state.params)
        return losses, gradient

    return [jax.jit(f, compiler_options=FAST_COMPILATION) for f in (ours, plain)]


def test_gradients_equal_those_of_the_plain_sum_of_losses(six_tasks):
    ours, plain = six_tasks
    rng = np.random.default_rng(0)
    patterns = [np.zeros((2, 6), bool), np.ones((2, 6), bool)]
    patterns += [rng.random((2, 6)) < 0.3 for _ in range(6)]
    for seed, labelled in enumerate(patterns):
        batch = make_batch(TASKS, labelled, seed=seed)
        actual, (losses, wanted) = ours(batch), plain(batch)
        for index, task in enumerate(TASKS):
            assert actual.labelled[task] == labelled[:, index].sum()
            np.testing.assert_allclose(actual.losses[task], losses[task], rtol=1e-5)
            moved = [np.any(leaf != 0) for leaf in jax.tree.leaves(actual.sums[task])]
            assert moved == [labelled[:, index].any()] * len(moved)
        chex.assert_trees_all_equal_structs(actual.sums, wanted)
        assert any(np.any(leaf) for leaf in jax.tree.leaves(wanted[SHARED])) == labelled.any()
        for group in wanted:
            largest = max(np.abs(leaf).max() for leaf in jax.tree.leaves(wanted[group]))
            chex.assert_trees_all_close(
                actual.sums[group], wanted[group], rtol=1e-4, atol=1e-5 * largest
            )


def test_one_labelled_task_of_six_costs_a_fraction_of_all(six_tasks):
    ours, _ = six_tasks

    def cost(labelled: np.ndarray) -> float:
        """CPU time of a step: other programs on the machine do not count."""
        batch = make_batch(TASKS, np.atleast_2d(labelled))
        seconds = []
        for _ in range(6):
            start = time.process_time()
            jax.block_until_ready(ours(batch))
            seconds.append(time.process_time() - start)
        return min(seconds[1:])

    single = [cost(labelled) for labelled in np.eye(6, dtype=bool)]
    assert np.mean(single) < 0.5 * cost(np.ones(6, bool))
