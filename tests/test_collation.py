"""Collation: padding, labels as targets, and the boxes of an image in their places."""

import numpy as np
import pytest
from tiny_datasets import make_boxes

from ubernet_jax.errors import UserError
from ubernet_jax.structs import Boxes, Example
from ubernet_jax.tasks import TASKS, VOID
from ubernet_jax.training.collation import collate, to_target


def test_shares_become_targets():
    share = np.array([[0, 1, 127, 128, 255]], np.uint8)
    lines = to_target(TASKS['boundaries'], share, 0.5)
    assert lines.tolist() == [[0, VOID, VOID, 1, 1]]
    assert to_target(TASKS['saliency'], share, 0.5).tolist() == [[0, 0, 0, 1, 1]]
    assert to_target(TASKS['boundaries'], share, 0.0).tolist() == [[0, 1, 1, 1, 1]]
    classes = np.array([[0, 3, VOID]], np.uint8)
    assert to_target(TASKS['semantic_boundaries'], classes, 0.5).tolist() == [[0, 3, VOID]]


def test_collating_pads_at_the_bottom_and_the_right():
    example = Example(
        id='a',
        image=np.full((2, 3, 3), 7, np.uint8),
        labels={'parts': np.array([[1, 2, 3], [4, VOID, 6]], np.uint8)},
    )
    tasks = {'parts': TASKS['parts']}
    batch = collate([None, example], (3, 4), tasks, ('parts',), 0.5, 1)
    assert batch.valid[1].tolist() == [[True] * 3 + [False]] * 2 + [[False] * 4]
    assert batch.targets['parts'][1].tolist() == [[1, 2, 3, VOID], [4, VOID, 6, VOID], [VOID] * 4]
    assert batch.labelled['parts'].tolist() == [False, True]
    np.testing.assert_array_equal(batch.image[1], batch.valid[1][..., None] * np.full(3, 7))
    unwanted = collate([example], (3, 4), tasks, ('saliency',), 0.5, 1)
    assert not unwanted.labelled['parts'].any() and (unwanted.targets['parts'] == VOID).all()


def test_a_class_that_the_network_lacks_names_the_image():
    example = Example(
        id='a', image=np.zeros((1, 1, 3), np.uint8), labels={'parts': np.full((1, 1), 7, np.uint8)}
    )
    with pytest.raises(UserError, match=r'parts of a has class 7, .* classes 0 to 6'):
        collate([example], (33, 33), {'parts': TASKS['parts']}, ('parts',), 0.5, 1)


DETECTION = {'detection': TASKS['detection']}


def with_boxes(boxes: Boxes) -> Example:
    return Example(id='a', image=np.zeros((20, 30, 3), np.uint8), labels={'detection': boxes})


def test_boxes_that_are_not_difficult_fill_the_first_places():
    boxes = make_boxes((1, 2, 3, 4.5, 7, False), (0, 0, 9, 9, 8, True), (5, 6, 7, 8, 20, False))
    unlabelled = Example(id='b', image=np.zeros((20, 30, 3), np.uint8))
    examples = [unlabelled, with_boxes(boxes), with_boxes(make_boxes()), None]
    batch = collate(examples, (33, 33), DETECTION, ('detection',), 0.5, 4)
    targets = batch.targets['detection']
    assert targets.corners.dtype == np.float32 and targets.corners.shape == (4, 4, 4)
    assert targets.classes.dtype == np.int32 and targets.valid.dtype == bool
    assert targets.corners[1].tolist() == [[1, 2, 3, 4.5], [5, 6, 7, 8], [0] * 4, [0] * 4]
    assert targets.classes.tolist() == [[0] * 4, [7, 20, 0, 0], [0] * 4, [0] * 4]
    np.testing.assert_array_equal(targets.valid, targets.classes > 0)
    assert batch.labelled['detection'].tolist() == [False, True, True, False]


def test_of_too_many_boxes_the_largest_are_kept_in_their_order():
    boxes = make_boxes(
        (0, 0, 2, 2, 1, False),
        (0, 0, 3, 3, 2, False),
        (0, 0, 20, 20, 3, True),  # takes no place
        (0, 0, 1, 9, 4, False),
        (5, 5, 9, 9, 5, False),
        (0, 0, 2, 1, 6, False),
    )
    for places, kept in ((5, [1, 2, 4, 5, 6]), (3, [2, 4, 5]), (2, [2, 5]), (1, [5])):
        batch = collate([with_boxes(boxes)], (33, 33), DETECTION, ('detection',), 0.5, places)
        assert batch.targets['detection'].classes.tolist() == [kept]
        assert batch.targets['detection'].valid.all()


def test_a_class_of_a_box_that_the_network_lacks_names_the_image():
    example = with_boxes(make_boxes((0, 0, 9, 9, 21, False)))
    with pytest.raises(UserError, match=r'detection of a has class 21, .* classes 0 to 20'):
        collate([example], (33, 33), DETECTION, ('detection',), 0.5, 4)
