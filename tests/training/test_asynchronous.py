"""The asynchronous solver, compared with a literal transcription of the paper's algorithm."""

import copy
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from helpers.sample_streams import (
    LAYER,
    STEPS,
    TASKS,
    make_config,
    random_params,
    random_stream,
    run_solver,
)
from ubernet_jax import config as c
from ubernet_jax.network import SHARED
from ubernet_jax.training.asynchronous import accumulate_samples, per_group

# Updates after which a learning rate falls to a tenth: of `make_config`.
DROPS = {SHARED: (10, 30), 'normals': (15, 45), 'saliency': (5, 15), 'segmentation': (6, 18)}


def paper_algorithm(
    config: c.Config, params: dict, labelled: np.ndarray, gradients: dict
) -> Iterator[tuple[dict, dict]]:
    """Yields (params, counts) after every micro-batch; with one image each, it is the paper's."""
    synchronous = config.optim.algorithm is c.Algorithm.SYNCHRONOUS
    settings = {SHARED: config.optim.shared, **config.tasks}
    params = {group: copy.deepcopy(tree['layer']) for group, tree in params.items()}
    momentum = {g: {name: np.zeros(shape) for name, shape in LAYER.items()} for g in settings}
    total = copy.deepcopy(momentum)
    count = dict.fromkeys(settings, 0)
    updates = dict.fromkeys(settings, 0)
    for step, batch in enumerate(labelled):
        for image, has_labels in enumerate(batch):
            for group in settings:
                if group == SHARED or synchronous or has_labels[TASKS.index(group)]:
                    count[group] += 1
                    for name in LAYER:
                        total[group][name] += gradients[group][name][step, image]
        for group, setting in settings.items():
            if count[group] < (config.optim.shared if synchronous else setting).batch_size:
                continue
            rate = setting.learning_rate * 0.1 ** sum(updates[group] >= n for n in DROPS[group])
            for name in LAYER:
                bias = name == 'bias'
                decay = 0 if bias else config.optim.weight_decay
                gradient = decay * params[group][name] + total[group][name] / count[group]
                momentum[group][name] = config.optim.momentum * momentum[group][name] + gradient
                params[group][name] -= (2 if bias else 1) * rate * momentum[group][name]
                total[group][name][:] = 0
            count[group] = 0
            updates[group] += 1
        yield copy.deepcopy(params), dict(count)


@pytest.mark.parametrize('algorithm', c.Algorithm)
@pytest.mark.parametrize('images', [1, 3])
def test_sgd_equals_the_paper_algorithm(images, algorithm):
    config = make_config(algorithm=algorithm)
    params, stream = random_params(), random_stream(images)
    actual_params, state = run_solver(config, params, *stream)
    for step, (wanted, counts) in enumerate(paper_algorithm(config, params, *stream)):
        for group, layer in wanted.items():
            assert counts[group] == state[group].count[step]
            for name, leaf in layer.items():
                actual = actual_params[group]['layer'][name][step]
                np.testing.assert_allclose(actual, leaf, rtol=1e-4, atol=1e-5)
    # The learning rate of every group has fallen twice.
    assert all(group.updates[-1] > DROPS[name][-1] for name, group in state.items())


def test_an_update_beyond_the_batch_size_takes_the_mean_over_all_samples_seen():
    solver = accumulate_samples(optax.sgd(1.0), batch_size=3)
    params = {'kernel': jnp.zeros(1)}
    state = solver.init(params)
    # Count and gradient sum of a micro-batch, the expected update, and the count that is kept.
    for count, gradient_sum, wanted, kept in (
        (2, 2.0, 0.0, 2),
        (2, 6.0, -8 / 4, 0),
        (0, 0.0, 0.0, 0),
        (7, 14.0, -2.0, 0),  # more than two batches at once: still a single update
        (3, 9.0, -3.0, 0),
    ):
        gradient = {'kernel': jnp.array([gradient_sum])}
        update, state = solver.update(gradient, state, params, count=jnp.int32(count))
        assert (update['kernel'].item(), state.count.item()) == (wanted, kept)
    assert state.updates.item() == 3


def test_each_group_counts_its_samples():
    groups = {
        'a': accumulate_samples(optax.sgd(1.0), 1),
        'b': accumulate_samples(optax.sgd(1.0), 2),
    }
    solver = per_group(groups)
    params = {name: {'kernel': jnp.zeros(())} for name in groups}
    gradients = {name: {'kernel': jnp.ones(())} for name in groups}
    counts = {name: jnp.int32(1) for name in groups}
    updates, state = solver.update(gradients, solver.init(params), params, counts=counts)
    assert {name: float(tree['kernel']) for name, tree in updates.items()} == {'a': -1, 'b': 0}
    assert {name: int(group.count) for name, group in state.items()} == {'a': 0, 'b': 1}


@pytest.mark.parametrize('optimizer', c.Optimizer)
def test_a_group_without_an_update_keeps_every_bit(optimizer):
    """Weights, momentum, moments and schedule stay the same; weight decay has no effect either."""
    config = make_config(optimizer=optimizer)
    params, state = run_solver(config, random_params(), *random_stream(1))
    for group, tree in params.items():
        updated = np.diff(state[group].updates) > 0
        assert 0 < updated.sum() < STEPS / 2
        for leaf in jax.tree.leaves((tree, state[group].inner)):
            changed = np.diff(leaf.reshape(STEPS, -1), axis=0).any(1)
            np.testing.assert_array_equal(changed, updated)


def test_an_infinite_gradient_of_a_task_changes_no_other_group():
    labelled, gradients = random_stream(1)
    wanted = run_solver(make_config(), random_params(), labelled, gradients)
    first = np.flatnonzero(labelled[:, 0, TASKS.index('normals')])[0]
    gradients['normals']['kernel'][first] = np.inf
    actual = run_solver(make_config(), random_params(), labelled, gradients)
    assert not np.isfinite(actual[0]['normals']['layer']['kernel'][-1]).any()
    for group in (SHARED, 'saliency', 'segmentation'):
        for tree, wanted_tree in zip(actual, wanted, strict=True):
            jax.tree.map(np.testing.assert_array_equal, tree[group], wanted_tree[group])


def test_ten_samples_of_weight_a_tenth_fill_a_batch_of_one():
    solver = accumulate_samples(optax.sgd(1.0), batch_size=1)
    params = jnp.zeros(1)
    state = solver.init(params)
    for number in range(10):
        assert state.updates == 0, number
        update, state = solver.update(jnp.full(1, 0.1), state, params, count=jnp.float32(0.1))
    assert state.updates == 1 and float(update[0]) == pytest.approx(-1)
