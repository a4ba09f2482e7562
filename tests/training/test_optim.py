"""The solver: against a literal transcription of the paper's algorithm, and what it guarantees."""

import copy
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ubernet_jax import config as c
from ubernet_jax.losses.uncertainty import LOG_VARIANCE
from ubernet_jax.network import SHARED
from ubernet_jax.training.optim import (
    accumulate_samples,
    make_optimizer,
    make_rate,
    sample_counts,
)

TASKS = ('normals', 'saliency', 'segmentation')
LABELLED = (0.7, 0.5, 0.3)  # how likely an image has each task's labels
EXPECTED = {SHARED: 40, 'normals': 60, 'saliency': 20, 'segmentation': 24}  # updates
DROPS = {SHARED: (10, 30), 'normals': (15, 45), 'saliency': (5, 15), 'segmentation': (6, 18)}
STEPS = 400
LAYER = {'kernel': (3, 2), 'bias': (2,)}  # every group has one


def make_config(**optim: object) -> c.Config:
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


def paper_algorithm(config: c.Config, params: dict, labelled: np.ndarray, gradients: dict):
    """Yields (params, counts) after every micro-batch. With one image each it is the paper's."""
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
        for group, own in settings.items():
            if count[group] < (config.optim.shared if synchronous else own).batch_size:
                continue
            rate = own.learning_rate * 0.1 ** sum(updates[group] >= n for n in DROPS[group])
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


def run(config: c.Config, params: dict, labelled: np.ndarray, gradients: dict):
    """(params, solver state) after every micro-batch, stacked along the first axis."""
    optimizer = make_optimizer(config, EXPECTED)
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


def assert_bitwise_equal(actual: object, wanted: object) -> None:
    jax.tree.map(np.testing.assert_array_equal, actual, wanted)


@pytest.mark.parametrize('algorithm', c.Algorithm)
@pytest.mark.parametrize('images', [1, 3])
def test_sgd_equals_the_papers_algorithm(images, algorithm):
    config = make_config(algorithm=algorithm)
    params, stream = random_params(), random_stream(images)
    actual_params, state = run(config, params, *stream)
    for step, (wanted, counts) in enumerate(paper_algorithm(config, params, *stream)):
        for group, layer in wanted.items():
            assert counts[group] == state[group].count[step]
            for name, leaf in layer.items():
                actual = actual_params[group]['layer'][name][step]
                np.testing.assert_allclose(actual, leaf, rtol=1e-4, atol=1e-5)
    # Every group has gone through both drops of its learning rate.
    assert all(group.updates[-1] > DROPS[name][-1] for name, group in state.items())


def test_synchronous_groups_update_together_after_as_many_images_as_the_trunk():
    labelled, gradients = random_stream(1)
    config = make_config(algorithm=c.Algorithm.SYNCHRONOUS)
    _, state = run(config, random_params(), labelled, gradients)
    for group in state.values():
        np.testing.assert_array_equal(group.updates, np.arange(1, STEPS + 1) // 7)


def test_an_update_that_overshoots_takes_the_mean_over_all_samples_seen():
    solver = accumulate_samples(optax.sgd(1.0), batch_size=3)
    params = {'kernel': jnp.zeros(1)}
    state = solver.init(params)
    # count and gradient sum of a micro-batch, the update, and the count kept
    for count, gradient_sum, wanted, kept in (
        (2, 2.0, 0.0, 2),
        (2, 6.0, -8 / 4, 0),
        (0, 0.0, 0.0, 0),
        (7, 14.0, -2.0, 0),  # more than two batches at once: still one update
        (3, 9.0, -3.0, 0),
    ):
        gradient = {'kernel': jnp.array([gradient_sum])}
        update, state = solver.update(gradient, state, params, count=jnp.int32(count))
        assert (update['kernel'].item(), state.count.item()) == (wanted, kept)
    assert state.updates.item() == 3


@pytest.mark.parametrize('optimizer', c.Optimizer)
def test_a_group_that_does_not_update_keeps_every_bit(optimizer):
    """Its weights, its momentum, its moments and its schedule; weight decay does nothing either."""
    params, state = run(make_config(optimizer=optimizer), random_params(), *random_stream(1))
    for group, tree in params.items():
        updated = np.diff(state[group].updates) > 0
        assert 0 < updated.sum() < STEPS / 2
        for leaf in jax.tree.leaves((tree, state[group].inner)):
            changed = np.diff(leaf.reshape(STEPS, -1), axis=0).any(1)
            np.testing.assert_array_equal(changed, updated)


def test_an_infinite_gradient_of_one_task_reaches_no_other_group():
    labelled, gradients = random_stream(1)
    wanted = run(make_config(), random_params(), labelled, gradients)
    first = np.flatnonzero(labelled[:, 0, TASKS.index('normals')])[0]
    gradients['normals']['kernel'][first] = np.inf
    actual = run(make_config(), random_params(), labelled, gradients)
    assert not np.isfinite(actual[0]['normals']['layer']['kernel'][-1]).any()
    for group in (SHARED, 'saliency', 'segmentation'):
        assert_bitwise_equal(actual[0][group], wanted[0][group])
        assert_bitwise_equal(actual[1][group], wanted[1][group])


def test_adamw_equals_optax_on_the_means_of_the_groups_samples():
    config = make_config(optimizer=c.Optimizer.ADAMW)
    params, (labelled, gradients) = random_params(), random_stream(1)
    actual, state = run(config, params, labelled, gradients)
    samples = np.flatnonzero(labelled[:, 0, TASKS.index('saliency')])
    rate = optax.piecewise_constant_schedule(0.02, {5: 0.1, 15: 0.1})
    plain = optax.adamw(rate, b1=0.9, weight_decay=0.1, mask={'kernel': True, 'bias': False})
    wanted = params['saliency']['layer']
    plain_state = plain.init(wanted)
    for update in range(10):
        steps = samples[3 * update : 3 * update + 3]
        mean = {name: gradients['saliency'][name][steps].mean((0, 1)) for name in LAYER}
        change, plain_state = plain.update(mean, plain_state, wanted)
        change['bias'] *= 2
        wanted = optax.apply_updates(wanted, change)
        for name, leaf in actual['saliency']['layer'].items():
            np.testing.assert_allclose(leaf[steps[-1]], wanted[name], rtol=1e-4, atol=1e-5)


def test_a_polynomial_learning_rate_falls_to_zero_over_the_groups_own_updates():
    group = c.GroupConfig(batch_size=2, learning_rate=0.1, polynomial=True, decay_at=(0.5,))
    config = c.Config(optim=c.OptimConfig(shared=group, momentum=0.0, weight_decay=0.0))
    solver = make_optimizer(config, {SHARED: 4})
    params = {SHARED: {'kernel': jnp.zeros(1)}}
    state = solver.init(params)
    update = jax.jit(solver.update)
    gradients = {SHARED: {'kernel': jnp.ones(1)}}
    rates = []
    for _ in range(12):  # one image each
        updates, state = update(gradients, state, params, counts={SHARED: jnp.int32(1)})
        rates.append(-updates[SHARED]['kernel'].item())
    wanted = [0.1, 0.1 * 0.75**0.9, 0.1 * 0.5**0.9, 0.1 * 0.25**0.9, 0, 0]
    assert rates[1::2] == pytest.approx(wanted, abs=1e-7) and not any(rates[::2])


def test_a_polynomial_learning_rate_ends_at_zero_after_any_number_of_updates():
    for number in range(1, 201):
        rate = make_rate(c.GroupConfig(polynomial=True), number)
        ended = jax.jit(jax.vmap(rate))(jnp.array([number, number + 1]))
        np.testing.assert_array_equal(ended, 0, err_msg=f'N = {number}')


@pytest.mark.parametrize('polynomial', [False, True])
def test_a_group_without_an_expected_update_starts_at_its_learning_rate(polynomial):
    group = c.GroupConfig(learning_rate=0.5, polynomial=polynomial, decay_at=(0.1, 0.9))
    assert make_rate(group, 0)(jnp.zeros((), jnp.int32)) == 0.5


def test_drops_that_fall_on_one_update_are_all_taken():
    rate = make_rate(c.GroupConfig(learning_rate=1.0, decay_at=(0.5, 0.6, 1.0)), 3)
    rates = [float(rate(jnp.int32(updates))) for updates in range(5)]
    assert rates == pytest.approx([1, 1, 0.01, 0.001, 0.001])


@pytest.mark.parametrize('optimizer', c.Optimizer)
def test_a_log_variance_does_not_decay_and_has_a_learning_rate_of_its_own(optimizer):
    optim = c.OptimConfig(
        optimizer=optimizer,
        weight_decay=0.1,
        log_variance_multiplier=5.0,
        shared=c.GroupConfig(batch_size=1),
    )
    solver = make_optimizer(c.Config(optim=optim), {SHARED: 1})
    params = {SHARED: {LOG_VARIANCE: jnp.ones(()), 'kernel': jnp.zeros(())}}

    def update(gradient: float) -> dict[str, float]:
        gradients = jax.tree.map(lambda x: jnp.full_like(x, gradient), params)
        counts = {SHARED: jnp.int32(1)}
        updates, _ = solver.update(gradients, solver.init(params), params, counts=counts)
        return jax.tree.map(float, updates[SHARED])

    assert update(0.0) == {LOG_VARIANCE: 0.0, 'kernel': 0.0}
    updates = update(1.0)
    assert updates[LOG_VARIANCE] == pytest.approx(5 * updates['kernel'], rel=1e-5) != 0


@pytest.mark.parametrize('optimizer', c.Optimizer)
def test_frozen_blocks_never_move(optimizer):
    config = c.Config(
        model=c.ModelConfig(frozen_blocks=2),
        optim=c.OptimConfig(
            optimizer=optimizer, weight_decay=0.1, shared=c.GroupConfig(batch_size=1)
        ),
    )
    blocks = ('conv1', 'conv2', 'conv3', 'fc')
    layer = {'layer': {'kernel': jnp.ones((2, 2)), 'bias': jnp.ones(2)}}
    params = {SHARED: {'trunk': dict.fromkeys(blocks, layer)}}
    solver = make_optimizer(config, {SHARED: 100})
    state = solver.init(params)

    @jax.jit
    def step(params, state):
        gradients = jax.tree.map(jnp.ones_like, params)
        updates, state = solver.update(gradients, state, params, counts={SHARED: jnp.int32(1)})
        return optax.apply_updates(params, updates), state

    for _ in range(3):
        params, state = step(params, state)
    moved = {
        block: [bool(np.any(leaf != 1)) for leaf in jax.tree.leaves(params[SHARED]['trunk'][block])]
        for block in blocks
    }
    assert moved == {
        'conv1': [False, False],
        'conv2': [False, False],
        'conv3': [True, True],
        'fc': [True, True],
    }
