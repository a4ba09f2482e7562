"""The effect of the settings of a task on its loss."""

import jax
import numpy as np
import pytest

from ubernet_jax.labels import VOID
from ubernet_jax.tasks import (
    Boundaries,
    Normals,
    Segmentation,
    Task,
)

ONE_PIXEL = np.ones((1, 1, 1), bool)


def loss_of(task: Task, scores: list[float], target: object) -> float:
    """The loss of a single pixel."""
    maps, target = [np.float32(scores).reshape(1, 1, 1, -1)], np.array(target).reshape(1, 1, 1, -1)
    target = target.astype(np.int8) if target.size == 3 else target[..., 0].astype(np.uint8)
    return float(jax.jit(task.loss)(maps, target, ONE_PIXEL, np.array([True]))[0])


def test_the_loss_of_boundaries_uses_the_weights_of_the_task():
    task = Boundaries(positive_weight=3.0, negative_weight=0.25)
    assert loss_of(task, [0, 0], 1) == pytest.approx(3 * np.log(2))
    assert loss_of(task, [0, 0], 0) == pytest.approx(np.log(2) / 4)


@pytest.mark.parametrize(('transition', 'expected'), [(1.0, 0.2), (0.5, 0.39)])
def test_the_loss_of_normals_uses_the_transition_of_the_task(transition, expected):
    # (0.6, 0.8, 0) compared with (0, 1, 0): differences of 0.6 and 0.2.
    loss = loss_of(Normals(transition=transition), [3, 4, 0], [0, 127, 0])
    assert loss == pytest.approx(expected, abs=1e-5)


def test_the_length_of_normals_costs_the_squared_difference_from_1():
    task, target = Normals(length_weight=0.5), [0, 127, 0]
    for length, expected in ((3, 0.5 * 4), (1, 0), (0.5, 0.5 * 0.25)):
        assert loss_of(task, [0, length, 0], target) == pytest.approx(expected, abs=1e-5)
    assert loss_of(task, [0, 3, 0], [0, 0, 0]) == 0  # without a label


@pytest.mark.parametrize(('bag_radius', 'expected'), [(0, np.log(2)), (1, np.log(4 / 3))])
def test_the_loss_of_boundaries_uses_the_bag_radius_of_the_task(bag_radius, expected):
    task = Boundaries(bag_radius=bag_radius, positive_weight=1.0)
    maps = [np.float32([[[[0, 0], [0, np.log(3)]]]])]
    target, valid = np.uint8([[[1, VOID]]]), np.ones((1, 1, 2), bool)
    (loss,) = jax.jit(task.loss)(maps, target, valid, np.array([True]))
    assert float(loss) == pytest.approx(expected)


def test_the_loss_counts_a_score_if_its_pixel_is_valid():
    task = Segmentation(classes=('none', 'cup', 'plate'), stride=2)
    scores, valid = np.zeros((1, 2, 3, 3), np.float32), np.zeros((1, 3, 5), bool)
    scores[0, 1, 2] = 0, 0, 1e3  # not valid
    valid[:, :2, :4] = True
    (loss,) = jax.jit(task.loss)([scores], np.ones((1, 2, 3), np.uint8), valid, np.array([True]))
    assert float(loss) == pytest.approx(np.log(3))
