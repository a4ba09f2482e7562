"""Features of a teacher: the gradient, the counters, the state and the memory of distillation."""

import dataclasses
import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers import plain_network
from helpers.networks import make_batch, make_solver, make_state
from ubernet_jax import config as c
from ubernet_jax.batch import Batch
from ubernet_jax.compilation import unoptimised
from ubernet_jax.network import SHARED, Network, make_network
from ubernet_jax.training.checkpoint import Checkpoints
from ubernet_jax.training.distillation import ADAPTORS, Teacher, split_adaptors
from ubernet_jax.training.parallel import make_mesh
from ubernet_jax.training.settings import make_step_settings
from ubernet_jax.training.state import abstract_state
from ubernet_jax.training.step import train_step
from ubernet_jax.training.task_gradients import compute_gradients
from ubernet_jax.weights.trained import open_checkpoint

WEIGHT, TAUGHT_WEIGHT = 0.5, 0.25
STRIDES = {'conv1_2': 1, 'conv2_2': 2, 'conv3_3': 4, 'conv4_3': 8, 'conv5_3': 8, 'fc7': 8}
slow = pytest.mark.slow


def make_config(distill_from: str = 'runs/saliency', **settings: object) -> c.Config:
    """Of its two tasks, `saliency` has a teacher."""
    group = {'batch_size': 2, 'weight': 0.1, 'decay_at': ()}
    saliency = c.SoftMask(
        **group, taught_weight=TAUGHT_WEIGHT, distill_from=distill_from, distill_weight=WEIGHT
    )
    return c.Config(
        steps=4,
        tasks={'normals': c.Normals(**group), 'saliency': saliency},
        model=c.ModelConfig(width=1 / 32, scales=1, dropout=0.0),
        optim=c.OptimConfig(shared=c.GroupConfig(batch_size=1), **settings),
    )


def make_teacher(model: c.ModelConfig) -> Teacher:
    network = Network(model, {})
    params, stats = jax.tree.map(jnp.asarray, plain_network.random_variables(network, seed=7))
    return Teacher(network=network, digest='', params=params[SHARED], batch_stats=stats)


@pytest.fixture(scope='module')
def teachers() -> dict[str, Teacher]:
    return {'saliency': make_teacher(make_config().model)}


@pytest.fixture(scope='module')
def state():
    """With adaptors that are not the identity."""
    made = make_state(make_config())
    rng = np.random.default_rng(3)
    adaptors = jax.tree.map(
        lambda kernel: kernel + rng.normal(0, 0.3, kernel.shape).astype(np.float32),
        made.params['saliency'][ADAPTORS],
    )
    params = {**made.params, 'saliency': {**made.params['saliency'], ADAPTORS: adaptors}}
    return dataclasses.replace(made, params=params)


@pytest.fixture(scope='module')
def gradients(state):
    """(batch, teachers) -> gradients."""
    config = make_config()
    settings = make_step_settings(config, make_network(config))
    compute = jax.jit(
        lambda batch, teachers: compute_gradients(
            settings, state.params, state.batch_stats, batch, state.rng, 1.0, teachers
        ),
        compiler_options=unoptimised(),
    )
    return compute


def saliency_batch(labelled: bool) -> Batch:
    """Two images with labels of the normals; of their labels of saliency, the second is taught."""
    batch = make_batch(make_config().tasks, np.array([[True, labelled], [True, labelled]]))
    return batch.replace(taught={**batch.taught, 'saliency': np.array([False, True])})


def literal_losses(state, params: dict, teacher: Teacher, batch: Batch) -> jax.Array:
    """The loss (N,) of the teacher, as its description says."""
    valid, network = batch.valid, make_network(make_config())
    skips = network.features(params[SHARED], state.batch_stats, batch.image, valid, state.rng)
    wanted = teacher.network.features(teacher.params, teacher.batch_stats, batch.image, valid)
    distances = []
    for tap, kernel in params['saliency'][ADAPTORS].items():
        a = jnp.einsum('nhwc,cd->nhwd', skips[0].levels[0][tap], kernel)
        b = wanted[0].levels[0][tap]
        a, b = (x / jnp.sqrt((x**2).sum(-1, keepdims=True) + 1e-6) for x in (a, b))
        positions = valid[:, :: STRIDES[tap], :: STRIDES[tap]]
        total = (((a - b) ** 2).sum(-1) * positions).sum((1, 2))
        distances.append(total / positions.sum((1, 2)))
    assert len(distances) == len(STRIDES)
    return sum(distances) / len(distances)


@slow
def test_the_gradient_is_that_of_the_formula(gradients, state, teachers):
    batch = saliency_batch(True)
    actual, without = gradients(batch, teachers), gradients(batch, {})

    def total(params: dict) -> tuple[jax.Array, jax.Array]:
        losses = literal_losses(state, params, teachers['saliency'], batch)
        return WEIGHT * (losses[0] + TAUGHT_WEIGHT * losses[1]), losses

    function = jax.jit(jax.grad(total, has_aux=True), compiler_options=unoptimised())
    added, losses = function(state.params)
    np.testing.assert_allclose(actual.distances['saliency'], losses.sum(), rtol=1e-5)
    assert without.distances == {}
    wanted = jax.tree.map(jnp.add, without.sums, added)
    for group, tree in wanted.items():
        largest = max(np.abs(leaf).max() for leaf in jax.tree.leaves(tree))
        chex.assert_trees_all_close(actual.sums[group], tree, rtol=1e-4, atol=1e-5 * largest)
    assert all(leaf.any() for leaf in jax.tree.leaves(actual.sums['saliency'][ADAPTORS]))
    assert any(leaf.any() for leaf in jax.tree.leaves(added[SHARED]))


@slow
def test_images_without_a_label_of_the_task_are_not_distilled(gradients, teachers):
    batch = saliency_batch(False)
    actual, without = gradients(batch, teachers), gradients(batch, {})
    assert actual.distances['saliency'] == 0
    chex.assert_trees_all_close(actual.sums, without.sums, rtol=1e-6)
    assert not any(leaf.any() for leaf in jax.tree.leaves(actual.sums['saliency']))


@slow
def test_adaptors_update_with_the_group_of_their_task(teachers):
    config = make_config()
    settings = make_step_settings(config, make_network(config))
    function = functools.partial(train_step, settings, make_solver(config), make_mesh(1))
    step = jax.jit(function, compiler_options=unoptimised())
    state, adaptors, trunks = make_state(config), [], []
    for labelled in (True, False, True):
        batch = make_batch(config.tasks, np.array([[False, labelled]]))
        state, metrics = step(state, batch, teachers)
        adaptors.append(state.params['saliency'][ADAPTORS]['fc7'])
        trunks.append(state.params[SHARED])
        assert metrics.labelled['saliency (distilled)'] == labelled
        assert (0 < metrics.losses['saliency (distilled)'] < 4) == labelled
        assert metrics.finite and 'normals (distilled)' not in metrics.losses
    identity = np.eye(len(adaptors[0]))
    np.testing.assert_array_equal(adaptors[:2], [identity, identity])
    assert np.any(adaptors[2] != identity)
    leaves = zip(*map(jax.tree.leaves, (make_state(config).params[SHARED], trunks[0])), strict=True)
    assert all(np.any(before != after) for before, after in leaves)
    assert state.groups['saliency'].updates == 1


@slow
def test_memory_does_not_grow_with_the_number_of_teachers():
    tasks = {f'task_{n}': c.SoftMask() for n in range(3)}
    model = c.ModelConfig(width=1 / 16, scales=1)

    def temporary_bytes(distilled: int) -> int:
        config = c.Config(tasks=dict(tasks), model=model)
        for name in list(tasks)[:distilled]:
            config.tasks[name] = c.SoftMask(distill_from='teacher')
        settings, state = make_step_settings(config, make_network(config)), make_state(config)
        teachers = {name: make_teacher(model) for name in list(tasks)[:distilled]}
        batch = make_batch(tasks, np.ones((1, 3), bool), 129, 129)
        function = jax.jit(
            functools.partial(compute_gradients, settings), compiler_options=unoptimised()
        )
        lowered = function.lower(state.params, state.batch_stats, batch, state.rng, 1.0, teachers)
        return lowered.compile().memory_analysis().temp_size_in_bytes

    assert temporary_bytes(3) <= 1.1 * temporary_bytes(1)


def test_there_are_no_adaptors_without_a_teacher():
    config = make_config(distill_from='')
    state = abstract_state(config, make_solver(config))
    assert split_adaptors(state.params)[1] == {}
    with_teacher = abstract_state(make_config(), make_solver(make_config()))
    rest, adaptors = split_adaptors(with_teacher.params)
    chex.assert_trees_all_equal_structs(rest, state.params)
    assert list(adaptors) == ['saliency'] and set(adaptors['saliency'][ADAPTORS]) == set(STRIDES)


def test_frozen_skips_have_no_adaptor():
    config = make_config()
    config.model.frozen_blocks = 2
    state = abstract_state(config, make_solver(config))
    assert set(state.params['saliency'][ADAPTORS]) == {'conv3_3', 'conv4_3', 'conv5_3', 'fc7'}


def test_a_checkpoint_restores_every_bit_and_its_network_has_no_adaptors(tmp_path):
    config = make_config()
    solver, rng = make_solver(config), np.random.default_rng(0)

    def draw(leaf: jax.ShapeDtypeStruct) -> jax.Array:
        return jnp.asarray(rng.random(leaf.shape), leaf.dtype)

    state = jax.tree.map(draw, abstract_state(config, solver))
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(state, config)
    checkpoints.finish()
    jax.tree.map(np.testing.assert_array_equal, checkpoints.restore(config, 0, solver), state)
    trained = open_checkpoint(tmp_path)
    assert ADAPTORS not in trained.params['saliency']
    wanted, _ = split_adaptors(state.params)
    jax.tree.map(np.testing.assert_array_equal, trained.params, wanted)
