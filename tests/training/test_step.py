"""The training step: gradients of the plain sum of losses, a guard, one program a shape."""

import functools

import chex
import jax
import numpy as np
import pytest

from benchmarks.plain import plain_gradients
from helpers import tiny_config
from helpers.networks import FAST_COMPILATION, make_batch, make_state, make_step
from helpers.tiny_network import DETECTOR
from ubernet_jax import config as c
from ubernet_jax.batch import Batch
from ubernet_jax.network import SHARED, make_network
from ubernet_jax.training.collation import add_absent_targets
from ubernet_jax.training.parallel import make_mesh, shard
from ubernet_jax.training.step import compute_gradients

TINY = tiny_config.get_config()

# One of each kind of loss, and a second of a kind; by name, as a jitted function returns them.
TASKS = {
    'boundaries': c.Boundaries(weight=0.5),
    'depth': c.Depth(),
    'detection': c.PAPER['detection'](weight=0.5, detector=DETECTOR),
    'normals': c.Normals(weight=5.0),
    'objects': c.Segmentation(classes=('none', 'cup', 'plate'), stride=4, hidden=3),
    'segmentation': c.PAPER['segmentation'](weight=2.0),
}


@pytest.fixture(scope='module')
def gradient_functions():
    """Functions of a micro-batch: `compute_gradients`, and plain differentiation."""
    config = c.Config(tasks=TASKS, model=c.ModelConfig(width=1 / 16, scales=2))
    network, state = make_network(config), make_state(config)

    def bind(function):
        bound = functools.partial(function, network, config)
        jitted = jax.jit(bound, compiler_options=FAST_COMPILATION)
        return lambda batch: jitted(state.params, state.batch_stats, batch, state.rng)

    return bind(compute_gradients), bind(plain_gradients)


def test_gradients_equal_those_of_the_plain_sum_of_losses(gradient_functions):
    structured, plain = gradient_functions
    rng = np.random.default_rng(0)
    shape = (2, len(TASKS))
    patterns = [np.zeros(shape, bool), np.ones(shape, bool)]
    patterns += [rng.random(shape) < 0.4 for _ in range(8)]
    for seed, labelled in enumerate(patterns):
        batch = make_batch(TASKS, labelled, seed=seed)
        actual, (wanted, losses) = structured(batch), plain(batch)
        assert list(actual.labelled.values()) == labelled.sum(0).tolist()
        chex.assert_trees_all_close(actual.losses, losses, rtol=1e-5)
        chex.assert_trees_all_equal_structs(actual.sums, wanted)
        trained = {SHARED: labelled.any(), **dict(zip(TASKS, labelled.any(0), strict=True))}
        for group, tree in wanted.items():
            leaves = jax.tree.leaves(tree)
            assert all(np.any(leaf != 0) == trained[group] for leaf in leaves)
            tolerance = 1e-5 * max(np.abs(leaf).max() for leaf in leaves)
            chex.assert_trees_all_close(actual.sums[group], tree, rtol=1e-4, atol=tolerance)


@pytest.fixture(scope='module')
def step():
    """The jitted step of the tiny configuration; fails when it is traced for a third time."""
    function = chex.assert_max_traces(make_step(TINY), n=2)
    return jax.jit(function, compiler_options=FAST_COMPILATION)


MESH = make_mesh(1)
complete = jax.jit(functools.partial(add_absent_targets, TINY.tasks))


def tiny_batch(normals: int, segmentation: int, height: int = 33, width: int = 65) -> Batch:
    """One image with these labels, on the device; the host sends no target but theirs."""
    whole = make_batch(TINY.tasks, np.array([[normals, segmentation]], bool), height, width)
    names = [name for name, flags in whole.labelled.items() if flags.any()]
    targets, labelled = (
        {name: own[name] for name in names} for own in (whole.targets, whole.labelled)
    )
    return shard(MESH, [whole.replace(targets=targets, labelled=labelled)], complete)


def test_one_program_a_shape(step):
    state = make_state(TINY)
    for labelled in ((1, 1), (0, 1), (0, 0), (1, 0)):
        state, _ = step(state, tiny_batch(*labelled))
        step.trace(state, tiny_batch(*labelled, height=65, width=33))
    with pytest.raises(AssertionError, match='traced > 2 times'):
        step.trace(state, tiny_batch(*labelled, height=65, width=65))


def test_it_makes_no_difference_whether_a_target_without_a_label_is_sent(step):
    whole = shard(MESH, [make_batch(TINY.tasks, np.array([[False, True]]))], complete)
    wanted, actual = (step(make_state(TINY), one) for one in (whole, tiny_batch(0, 1)))
    jax.tree.map(np.testing.assert_array_equal, actual, wanted)
    assert actual[1].losses['segmentation'] > 0


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_a_loss_that_is_not_finite_leaves_every_bit_of_the_state(step, value):
    batch = tiny_batch(1, 1)
    before, metrics = step(make_state(TINY), batch)
    assert metrics.finite
    fusion = before.params['normals']['fuse_skips']
    fusion['bias'] = fusion['bias'].at[0].set(value)
    after, metrics = step(before, batch)
    assert not metrics.finite
    assert not np.isfinite(metrics.losses['normals'])
    assert np.isfinite(metrics.losses['segmentation'])
    jax.tree.map(np.testing.assert_array_equal, after, before)


def test_the_trunk_counts_every_image_and_a_task_its_labelled_ones(step):
    def counts(batch: Batch) -> dict[str, int]:
        state, metrics = step(make_state(TINY), batch)
        assert not any(metrics.updates.values())
        return {group: int(group_state.count) for group, group_state in state.groups.items()}

    assert counts(tiny_batch(0, 0)) == {SHARED: 1, 'normals': 0, 'segmentation': 0}
    assert counts(tiny_batch(0, 1)) == {SHARED: 1, 'normals': 0, 'segmentation': 1}
    assert counts(tiny_batch(1, 1)) == {SHARED: 1, 'normals': 1, 'segmentation': 1}
    image = tiny_batch(0, 0)
    padding = image.replace(image_sizes=0 * image.image_sizes)
    assert counts(padding) == {SHARED: 0, 'normals': 0, 'segmentation': 0}


def test_graduated_supervision_leaves_the_fused_map_alone_in_the_end():
    config = c.Config(
        steps=8,
        tasks={'normals': c.Normals()},
        model=c.ModelConfig(width=1 / 32, scales=2, dropout=0.0),
        loss=c.LossConfig(graduated=True),
    )
    step = jax.jit(make_step(config), compiler_options=FAST_COMPILATION)
    state, batch = make_state(config), make_batch(config.tasks, np.ones((1, 1), bool))
    start, quarter, end = (
        float(step(state.replace(step=state.step + number), batch)[1].losses['normals'])
        for number in (0, 2, 8)
    )
    assert quarter == pytest.approx(0.75 * start + 0.25 * end, rel=1e-5)
    assert 0 < end < 0.9 * start


def test_every_step_drops_other_units(step):
    start = make_state(TINY)
    first, again, other = (
        step(start.replace(step=start.step + number), tiny_batch(1, 1))[0].groups['normals']
        for number in (0, 0, 1)
    )
    jax.tree.map(np.testing.assert_array_equal, first, again)
    assert np.any(first.gradient_sum['fc7']['kernel'] != other.gradient_sum['fc7']['kernel'])
