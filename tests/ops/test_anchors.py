"""Anchors, compared with literal boxes, and the assignment for a literal matrix of IoUs."""

import jax.numpy as jnp
import numpy as np
import pytest

from ubernet_jax.ops.anchors import Assignment, assign, ignore_negatives, make_anchors

# Rows are boxes, columns ground truth; two boxes have the same IoU with the last ground truth.
IOUS = jnp.array([[0.8, 0.1, 0.0, 0.2], [0.4, 0.35, 0.0, 0.0], [0.1, 0.2, 0.0, 0.2]])
IGNORE, NEGATIVE, POSITIVE = Assignment


def test_the_nine_anchors_of_faster_r_cnn():
    # The list of py-faster-rcnn, 0-based with inclusive ends.
    inclusive = [
        [-84, -40, 99, 55],
        [-176, -88, 191, 103],
        [-360, -184, 375, 199],
        [-56, -56, 71, 71],
        [-120, -120, 135, 135],
        [-248, -248, 263, 263],
        [-36, -80, 51, 95],
        [-80, -168, 95, 183],
        [-168, -344, 183, 359],
    ]
    anchors = make_anchors(1, 1, anchor_scales=(8, 16, 32))
    assert anchors.dtype == np.float32
    np.testing.assert_array_equal(anchors, np.array(inclusive) + [0, 0, 1, 1])


def test_anchors_are_ordered_by_row_column_ratio_and_scale():
    cell = make_anchors(1, 1)
    assert cell.shape == (12, 4)
    np.testing.assert_array_equal(cell[4:6], [[-24, -24, 40, 40], [-56, -56, 72, 72]])
    grid = make_anchors(2, 3, stride=10).reshape(2, 3, 12, 4)
    np.testing.assert_array_equal(grid[1, 2], cell + np.array([20, 10, 20, 10]))
    np.testing.assert_array_equal(grid[0, 1], cell + np.array([10, 0, 10, 0]))


@pytest.mark.parametrize(
    ('valid', 'low_quality', 'expected', 'matched'),
    [
        ([1, 1, 1, 1], False, [POSITIVE, IGNORE, NEGATIVE], [0, 0, 1]),
        # The second box has the highest IoU with the second ground truth; no box covers the third.
        ([1, 1, 1, 1], True, [POSITIVE, POSITIVE, POSITIVE], [0, 0, 1]),
        ([1, 0, 1, 0], True, [POSITIVE, IGNORE, NEGATIVE], [0, 0, 0]),
        ([0, 0, 1, 1], True, [POSITIVE, NEGATIVE, POSITIVE], [3, 2, 3]),
        ([0, 0, 0, 0], True, [NEGATIVE, NEGATIVE, NEGATIVE], None),
    ],
)
def test_assignment_of_literal_ious(valid, low_quality, expected, matched):
    assignment, best = assign(IOUS, jnp.array(valid, bool), 0.7, 0.3, low_quality)
    assert (assignment.dtype, best.dtype) == (jnp.int32, jnp.int32)
    np.testing.assert_array_equal(assignment, expected)
    if matched:
        np.testing.assert_array_equal(best, matched)


def test_an_iou_equal_to_a_threshold_counts_as_above_it():
    ious = jnp.array([[0.5], [0.25], [0.125]])
    assignment, _ = assign(ious, jnp.ones(1, bool), 0.5, 0.25, False)
    np.testing.assert_array_equal(assignment, [POSITIVE, IGNORE, NEGATIVE])


def test_background_that_overlaps_with_a_possible_object_is_ignored():
    iou = jnp.array([[0.8, 0.4], [0.1, 0.6], [0.1, 0.2], [0.0, 0.4]])
    objects, possible = jnp.array([True, False]), jnp.array([False, True])
    assignment, _ = assign(iou, objects, positive=0.7, negative=0.3, low_quality=False)
    assert assignment.tolist() == [1, 0, 0, 0]
    ignored = ignore_negatives(assignment, iou, possible, negative=0.3)
    assert ignored.tolist() == [1, -1, 0, -1]
