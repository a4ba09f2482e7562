"""The solver of a run: learning rates, multipliers and weight decay."""

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
    solver_of,
)
from ubernet_jax import config as c
from ubernet_jax.losses.uncertainty import LOG_VARIANCE
from ubernet_jax.network import SHARED
from ubernet_jax.training.optim import make_rate, sample_counts


def test_synchronous_groups_update_together_with_the_trunk():
    labelled, gradients = random_stream(1)
    config = make_config(algorithm=c.Algorithm.SYNCHRONOUS)
    _, state = run_solver(config, random_params(), labelled, gradients)
    for group in state.values():
        np.testing.assert_array_equal(group.updates, np.arange(1, STEPS + 1) // 7)


def test_groups_count_labelled_images_or_all_images():
    labelled, images = {'normals': jnp.int32(2)}, jnp.int32(5)
    counts = sample_counts(c.Algorithm.ASYNCHRONOUS, labelled, images)
    assert counts == {SHARED: 5, 'normals': 2}
    counts = sample_counts(c.Algorithm.SYNCHRONOUS, labelled, images)
    assert counts == {SHARED: 5, 'normals': 5}


def test_adamw_equals_optax_on_the_mean_gradients_of_a_group():
    config = make_config(optimizer=c.Optimizer.ADAMW)
    params, (labelled, gradients) = random_params(), random_stream(1)
    actual, _ = run_solver(config, params, labelled, gradients)
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


def test_a_polynomial_learning_rate_falls_to_zero_over_the_updates_of_its_group():
    group = c.GroupConfig(batch_size=2, learning_rate=0.1, polynomial=True, decay_at=(0.5,))
    config = c.Config(optim=c.OptimConfig(shared=group, momentum=0.0, weight_decay=0.0))
    solver = solver_of(config, {SHARED: 4})
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
    numbers = range(1, 201)
    rates = [make_rate(c.GroupConfig(polynomial=True), number) for number in numbers]
    # Compiled, because the compiler changes the rounding.
    compute = jax.jit(lambda ends: [rate(end) for rate, end in zip(rates, ends, strict=True)])
    np.testing.assert_array_equal(compute([jnp.array([n, n + 1]) for n in numbers]), 0)


@pytest.mark.parametrize('polynomial', [False, True])
def test_a_group_without_an_expected_update_starts_at_its_learning_rate(polynomial):
    group = c.GroupConfig(learning_rate=0.5, polynomial=polynomial, decay_at=(0.1, 0.9))
    assert make_rate(group, 0)(jnp.zeros((), jnp.int32)) == 0.5


def test_drops_at_the_same_update_are_multiplied():
    rate = make_rate(c.GroupConfig(learning_rate=1.0, decay_at=(0.5, 0.6, 1.0)), 3)
    rates = [float(rate(jnp.int32(updates))) for updates in range(5)]
    assert rates == pytest.approx([1, 1, 0.01, 0.001, 0.001])


@pytest.mark.parametrize('optimizer', c.Optimizer)
def test_a_log_variance_has_no_weight_decay_and_a_separate_multiplier(optimizer):
    optim = c.OptimConfig(
        optimizer=optimizer,
        weight_decay=0.1,
        log_variance_multiplier=5.0,
        shared=c.GroupConfig(batch_size=1),
    )
    solver = solver_of(c.Config(optim=optim), {SHARED: 1})
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
def test_learning_rates_decay_from_the_heads_to_the_first_block(optimizer):
    model = c.ModelConfig(trunk=c.Trunk.VIT_SMALL_PATCH14_REG4_DINOV2)
    group = c.GroupConfig(batch_size=1, learning_rate=1.0)
    optim = c.OptimConfig(
        optimizer=optimizer, layer_decay=0.5, bias_multiplier=2.0, weight_decay=0.0, shared=group
    )
    normals = c.Normals(batch_size=1, bias_multiplier=5.0)
    config = c.Config(model=model, optim=optim, tasks={'normals': normals})
    solver = solver_of(config, {SHARED: 100, 'normals': 100})
    layer = {'kernel': jnp.zeros(()), 'bias': jnp.zeros(())}
    names = ('embedding', 'block_0', 'block_1', 'block_10', 'block_11', 'norm', 'block_11_norm')
    params = {
        SHARED: {'trunk': dict.fromkeys(names, layer)},
        'normals': {'block_11': layer},  # a layer of a head has the name of its tap
    }
    gradients = jax.tree.map(jnp.ones_like, params)
    counts = dict.fromkeys(params, jnp.int32(1))
    updates, _ = solver.update(gradients, solver.init(params), params, counts=counts)
    trunk = updates[SHARED]['trunk']
    kernels = {name: -float(trunk[name]['kernel']) for name in names}
    wanted = {'block_1': 0.5**11, 'block_10': 0.25, 'block_11': 0.5}
    wanted |= dict.fromkeys(('embedding', 'block_0'), 0.5**12)
    wanted |= dict.fromkeys(('norm', 'block_11_norm'), 1)  # after the last block
    assert kernels == pytest.approx(wanted, rel=1e-5)
    assert trunk['block_10']['bias'] == pytest.approx(2 * trunk['block_10']['kernel'])
    head = {name: -float(update) for name, update in updates['normals']['block_11'].items()}
    rate = normals.learning_rate
    assert head == pytest.approx({'kernel': rate, 'bias': 2 * 5 * rate}, rel=1e-5)
