"""Frozen blocks take no part in training: nothing of them is differentiated, kept or changed."""

import pathlib

import jax
import numpy as np
import optax
import pytest

from helpers import tiny_config
from helpers.networks import make_batch, make_solver, make_state, make_step
from ubernet_jax import config as c
from ubernet_jax.network import SHARED
from ubernet_jax.training.checkpoint import Checkpoints
from ubernet_jax.training.state import TrainState, abstract_state
from ubernet_jax.training.trained_part import join, trained_part
from ubernet_jax.weights.checkpoint_digests import DamagedError

FROZEN = {'conv1', 'conv2'}
TRAINED = {'conv3', 'conv4', 'conv5', 'fc'}


def make_config(frozen_blocks: int = 2) -> c.Config:
    """Every step updates every group."""
    config = tiny_config.get_config()
    config.model.frozen_blocks, config.model.dropout = frozen_blocks, 0.0
    for group in (config.optim.shared, *config.tasks.values()):
        group.batch_size = 1
    return config


def test_the_trained_part_has_no_frozen_modules():
    """The layers of heads have the names of taps, which are those of blocks with ResNet-50."""
    model = c.ModelConfig(trunk=c.Trunk.RESNET50, frozen_blocks=2)
    params = {
        SHARED: {'trunk': {'conv1': {'conv': 1}, 'layer1': {'conv': 2}, 'layer2': {'conv': 3}}},
        'normals': {'layer1': {'kernel': 4}},
    }
    part = trained_part(model, params)
    assert part == {SHARED: {'trunk': {'layer2': {'conv': 3}}}, 'normals': params['normals']}
    changed = join(params, jax.tree.map(lambda leaf: 10 * leaf, part))
    assert changed[SHARED]['trunk'] == {
        'conv1': {'conv': 1},
        'layer1': {'conv': 2},
        'layer2': {'conv': 30},
    }
    assert changed['normals'] == {'layer1': {'kernel': 40}}


def test_a_trunk_that_is_frozen_as_a_whole_has_no_trained_part():
    model = c.ModelConfig(trunk=c.Trunk.VIT_SMALL_PATCH14_DINOV2, scales=1, frozen_blocks=12)
    names = ('embedding', 'norm', *(f'block_{number}' for number in range(12)))
    heads = {'normals': {'kernel': 1}}
    frozen = {SHARED: {'trunk': dict.fromkeys(names, {'scale': 1})}, **heads}
    assert trained_part(model, frozen) == heads
    assert join(frozen, heads) == frozen
    frozen[SHARED]['trunk']['stem'] = {'kernel': 1}
    assert trained_part(model, frozen) == {SHARED: {'trunk': {'stem': {'kernel': 1}}}, **heads}


@pytest.mark.slow
def test_a_step_changes_the_other_blocks_as_if_none_were_frozen():
    states = {}
    for frozen_blocks in (0, 2):
        config = make_config(frozen_blocks)
        batch = make_batch(config.tasks, np.ones((1, 2), bool))
        states[frozen_blocks], metrics = jax.jit(make_step(config))(make_state(config), batch)
        assert metrics.finite and metrics.updates[SHARED] == 1
    start, free, frozen = make_state(make_config()), states[0], states[2]
    parts = [trained_part(make_config().model, state.params) for state in (frozen, free)]
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-8), *parts)
    for name in FROZEN | TRAINED:
        trees = [state.params[SHARED]['trunk'][name] for state in (frozen, start)]
        same = [np.array_equal(x, y) for x, y in zip(*map(jax.tree.leaves, trees), strict=True)]
        assert all(same) if name in FROZEN else not any(same)
    state = frozen.groups[SHARED]
    _, trace, _ = state.inner[0]
    for tree in (state.gradient_sum, trace.trace):
        assert set(tree['trunk']) == TRAINED


def random_state(config: c.Config) -> TrainState:
    rng = np.random.default_rng(0)
    return jax.tree.map(
        lambda leaf: np.asarray(rng.integers(0, 9, leaf.shape), leaf.dtype),
        abstract_state(config, make_solver(config)),
    )


def restore(config: c.Config, workdir: pathlib.Path, state: TrainState) -> TrainState:
    """Saves and restores a state."""
    checkpoints = Checkpoints(workdir)
    checkpoints.save(state, config)
    checkpoints.finish()
    return checkpoints.restore(config, int(state.step), make_solver(config))


def test_a_checkpoint_with_gradient_sums_of_frozen_blocks_is_read(tmp_path):
    """Earlier versions wrote them, and masked the optimizer of each group."""
    config = make_config()
    state = random_state(config)
    zeros = jax.tree.map(np.zeros_like, state.params)
    groups = {
        name: group._replace(
            gradient_sum=join(zeros[name], group.gradient_sum),
            inner=(optax.MaskedState(group.inner[0]), group.inner[1]),
        )
        for name, group in state.groups.items()
    }
    restored = restore(config, tmp_path, state.replace(groups=groups))
    jax.tree.map(np.testing.assert_array_equal, restored, state)


def test_a_checkpoint_without_an_array_of_the_solver_is_refused(tmp_path):
    config = make_config()
    state = random_state(config)
    part = trained_part(make_config(3).model, state.params)[SHARED]
    groups = state.groups | {SHARED: state.groups[SHARED]._replace(gradient_sum=part)}
    with pytest.raises(DamagedError, match='groups/shared/gradient_sum/trunk/conv3'):
        restore(config, tmp_path, state.replace(groups=groups))
