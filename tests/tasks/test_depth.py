"""Depth: labels in metres, and the task."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from helpers.finishing import finish_one
from ubernet_jax import config as c
from ubernet_jax.errors import UserError
from ubernet_jax.labels import Metres, from_json
from ubernet_jax.tasks.depth import DepthLoss
from ubernet_jax.transforms.grids import Scaling
from ubernet_jax.visualize import Style


def test_a_16_bit_picture_is_scaled_to_metres(tmp_path):
    steps = np.array([[0, 1500, 65535]], np.uint16)
    Image.fromarray(steps).save(tmp_path / 'a.png')
    assert Metres().read(tmp_path / 'a.png') == pytest.approx(np.array([[0, 1.5, 65.535]]))
    quarter = Metres(scale=0.00025)
    assert quarter.read(tmp_path / 'a.png', (1, 3))[0, 1] == pytest.approx(0.375)


def test_an_array_is_in_metres_and_invalid_values_are_unknown(tmp_path):
    """Some datasets have huge distances for the sky, which exceed the range of the target."""
    np.save(tmp_path / 'a.npy', np.array([[1.5, np.nan, np.inf, 0, 1e6, 1e300]]))
    label = Metres().read(tmp_path / 'a.npy')
    assert label.dtype == np.float32 and label.tolist() == [[1.5, 0, 0, 0, 0, 0]]


def test_negative_depths_are_refused(tmp_path):
    np.save(tmp_path / 'a.npy', np.array([[1.5, -2, -0.5]]))
    with pytest.raises(UserError, match=r'a\.npy.*2 of 3.*-2'):
        Metres().read(tmp_path / 'a.npy')


@pytest.mark.parametrize('scale', ['x', -1, 0, True, float('nan'), [1]])
def test_an_invalid_scale_is_refused(scale):
    with pytest.raises(UserError, match=r'labels\.json.*scale.*above 0'):
        from_json({'kind': 'metres', 'scale': scale}, 'labels.json')


def test_files_of_other_formats_or_sizes_are_refused(tmp_path):
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / 'a.png')
    np.save(tmp_path / 'b.npy', np.zeros((2, 2), int))
    np.save(tmp_path / 'c.npy', np.zeros((2, 3)))
    for name, value in (('a.png', 'mode L'), ('b.npy', 'int64'), ('c.npy', '3 x 2')):
        with pytest.raises(UserError, match=rf'{re.escape(name)}.*{value}'):
            Metres().read(tmp_path / name, (2, 2))


def test_the_review_reports_millimetres_stored_as_metres():
    kind = Metres()
    errors = kind.review(kind.survey(np.full((3, 3), 1500, np.float32))).errors
    assert len(errors) == 1 and 'scale' in errors[0]
    review = kind.review(kind.survey(np.array([[0, 2.5], [2.5, 4]], np.float32)))
    assert (review.errors, review.notes) == ((), ())
    assert (review.void, review.values) == (0.25, '2-5 m')


def test_resizing_creates_no_intermediate_distances():
    label = np.repeat(np.float32([[1, 0, 9]]), 4, axis=0)
    resized = Metres().resize(label, Scaling((4, 3), (8, 9)))
    assert set(np.unique(resized)) == {0, 1, 9}


def test_near_is_light_far_is_dark_and_unknown_is_grey():
    label = np.float32([[1, 2, 3, 0]])
    drawn = Metres().draw(label, np.zeros((1, 4, 3), np.uint8), Style()).sum(-1)[0]
    assert drawn[0] > drawn[1] > drawn[2] and drawn[3] == 3 * 128
    bar = Metres().key(label, 40)
    assert bar.shape[0] == 40 and bar[3, 3].sum() > bar[3, -4].sum()


@pytest.mark.parametrize('criterion', DepthLoss)
def test_the_loss_is_minimal_at_the_true_depth(criterion):
    task = c.Depth(criterion=criterion)
    label = np.random.default_rng(0).uniform(1, 5, (6, 7)).astype(np.float32)
    label[2] = 0
    target = task.empty_target(1, (6, 8))
    assert target.dtype == np.float16
    task.write_target(target, 0, label)
    labelled, valid = jnp.array([True]), jnp.array(target > 0) | True
    stored = np.where(target > 0, target, 1).astype(np.float32)

    def loss(scores):
        return task.loss([scores], jnp.array(target), valid, labelled).sum()

    true_scores = jnp.log(stored)[..., None]
    assert loss(true_scores) == pytest.approx(0, abs=1e-6)
    assert loss(true_scores + 0.1) > 1e-3
    gradient = jax.grad(loss)(true_scores + 0.1)[0, ..., 0]
    assert np.all((gradient != 0) == (target[0] > 0))


def test_the_scale_invariant_loss_partly_ignores_a_common_factor():
    label = np.random.default_rng(0).uniform(1, 5, (1, 6, 7))
    target, all_valid = jnp.array(label, jnp.float16), jnp.ones((1, 6, 7), bool)
    scores = jnp.log(target.astype(jnp.float32))[..., None] + 0.3
    for forgiven in (0.0, 0.5, 1.0):
        task = c.Depth(criterion=DepthLoss.SCALE_INVARIANT, forgiven=forgiven)
        (loss,) = task.loss([scores], target, all_valid, jnp.array([True]))
        assert loss == pytest.approx((1 - forgiven) * 0.3**2, abs=1e-6)


def test_results_are_in_metres():
    scores, task = jnp.log(jnp.full((1, 3, 3, 1), 2.5)), c.Depth()
    result = finish_one(task, scores[0], (3, 3), (6, 5))
    assert (result.dtype, result.shape) == (np.float32, (6, 5)) and result == pytest.approx(2.5)
    assert c.Depth().describe_point(result, 1, 2, 0) == '2.50 m'


@pytest.mark.parametrize(
    ('settings', 'field'),
    [
        ({'forgiven': 2.0}, 'forgiven'),
        ({'valid': (2.0, 1.0)}, 'valid'),
        ({'classes': ('a', 'b')}, 'classes'),
    ],
)
def test_bad_settings_are_refused(settings, field):
    with pytest.raises(UserError, match=rf'tasks\.depth\.{field}'):
        c.Depth(**settings).validate('tasks.depth')
