"""The training step: its state, its counters, and a compiled program for each image size."""

import functools

import chex
import jax
import numpy as np
import pytest

from helpers import tiny_config
from helpers.networks import make_batch, make_state, make_step
from ubernet_jax import config as c
from ubernet_jax.batch import Batch
from ubernet_jax.network import SHARED
from ubernet_jax.training.collation import add_absent_targets
from ubernet_jax.training.parallel import make_mesh, shard

pytestmark = pytest.mark.slow

TINY = tiny_config.get_config()


@pytest.fixture(scope='module')
def step():
    """The jitted step of the tiny configuration; fails when it is traced for a third time."""
    function = chex.assert_max_traces(make_step(TINY), n=2)
    return jax.jit(function)


MESH = make_mesh(1)
complete = jax.jit(functools.partial(add_absent_targets, TINY.tasks))


def tiny_batch(normals: int, segmentation: int, height: int = 33, width: int = 65) -> Batch:
    """An image with these labels, on the device; the host sends only the targets of labels."""
    batch = make_batch(TINY.tasks, np.array([[normals, segmentation]], bool), height, width)
    names = [name for name, flags in batch.labelled.items() if flags.any()]
    targets, labelled, taught = (
        {name: by_task[name] for name in names}
        for by_task in (batch.targets, batch.labelled, batch.taught)
    )
    batch = batch.replace(targets=targets, labelled=labelled, taught=taught)
    return shard(MESH, [batch], complete)


def test_there_is_one_program_for_each_image_size(step):
    state = make_state(TINY)
    for labelled in ((1, 1), (0, 1), (0, 0), (1, 0)):
        state, _ = step(state, tiny_batch(*labelled))
        step.trace(state, tiny_batch(*labelled, height=65, width=33))
    with pytest.raises(AssertionError, match='traced > 2 times'):
        step.trace(state, tiny_batch(*labelled, height=65, width=65))


def test_the_target_of_an_unlabelled_task_has_no_effect(step):
    with_target = shard(MESH, [make_batch(TINY.tasks, np.array([[False, True]]))], complete)
    wanted, actual = (step(make_state(TINY), b) for b in (with_target, tiny_batch(0, 1)))
    jax.tree.map(np.testing.assert_array_equal, actual, wanted)
    assert actual[1].losses['segmentation'] > 0


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_a_loss_that_is_not_finite_changes_no_bit_of_the_state(step, value):
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


def test_the_trunk_counts_all_images_and_a_task_its_labelled_images(step):
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


def test_graduated_supervision_ends_with_the_loss_of_the_fused_map():
    config = c.Config(
        steps=8,
        tasks={'normals': c.Normals()},
        model=c.ModelConfig(width=1 / 32, scales=2, dropout=0.0),
        loss=c.LossConfig(graduated=True),
    )
    step = jax.jit(make_step(config))
    state, batch = make_state(config), make_batch(config.tasks, np.ones((1, 1), bool))
    start, quarter, end = (
        float(step(state.replace(step=state.step + number), batch)[1].losses['normals'])
        for number in (0, 2, 8)
    )
    assert quarter == pytest.approx(0.75 * start + 0.25 * end, rel=1e-5)
    assert 0 < end < 0.9 * start


def test_dropout_differs_between_steps(step):
    start = make_state(TINY)
    first, again, later = (
        step(start.replace(step=start.step + number), tiny_batch(1, 1))[0].groups['normals']
        for number in (0, 0, 1)
    )
    jax.tree.map(np.testing.assert_array_equal, first, again)
    assert np.any(first.gradient_sum['fc7']['kernel'] != later.gradient_sum['fc7']['kernel'])
