"""Collation: padding, labels as targets of the tasks that have any, and a device's completion."""

import jax
import numpy as np

from helpers.tiny_datasets import make_boxes
from ubernet_jax.example import Example
from ubernet_jax.labels import VOID
from ubernet_jax.labels.boxes import BoxSet
from ubernet_jax.models.settings import DetectionConfig
from ubernet_jax.tasks import PAPER, Task
from ubernet_jax.training.collation import add_absent_targets, collate

PARTS = {'parts': PAPER['parts'](), 'saliency': PAPER['saliency']()}


def test_collating_pads_at_the_bottom_and_the_right():
    example = Example(
        id='a',
        image=np.full((2, 3, 3), 7, np.uint8),
        labels={'parts': np.array([[1, 2, 3], [4, VOID, 6]], np.uint8)},
    )
    batch = collate([None, example], (3, 4), PARTS)
    assert batch.image_sizes.dtype == np.int32 and batch.image_sizes.tolist() == [[0, 0], [2, 3]]
    assert batch.valid[1].tolist() == [[True] * 3 + [False]] * 2 + [[False] * 4]
    assert not batch.valid[0].any()
    assert batch.targets['parts'][1].tolist() == [[1, 2, 3, VOID], [4, VOID, 6, VOID], [VOID] * 4]
    assert (batch.targets['parts'][0] == VOID).all()
    assert batch.labelled['parts'].tolist() == [False, True]
    np.testing.assert_array_equal(batch.image, 7 * np.asarray(batch.valid)[..., None].repeat(3, -1))


def test_tasks_that_no_image_is_labelled_for_have_no_target():
    labelled = Example(
        id='a',
        image=np.zeros((2, 3, 3), np.uint8),
        labels={'saliency': np.zeros((2, 3), np.uint8), 'of another': np.zeros((2, 3), np.uint8)},
    )
    unlabelled = Example(id='b', image=np.zeros((2, 3, 3), np.uint8))
    for examples, names in (([unlabelled, labelled], {'saliency'}), ([None, unlabelled], set())):
        batch = collate(examples, (3, 4), PARTS)
        assert set(batch.targets) == set(batch.labelled) == names


def test_what_is_added_is_empty_and_what_is_there_stays():
    example = Example(
        id='a', image=np.full((2, 3, 3), 9, np.uint8), labels={'parts': np.ones((2, 3), np.uint8)}
    )
    batch = collate([example, None], (3, 4), PARTS)
    whole = jax.jit(lambda batch: add_absent_targets(PARTS, batch))(batch)
    assert (whole.targets['saliency'] == VOID).all()
    assert whole.labelled['saliency'].tolist() == [False, False]
    same = whole.replace(
        targets={'parts': whole.targets['parts']}, labelled={'parts': whole.labelled['parts']}
    )
    jax.tree.map(np.testing.assert_array_equal, same, batch)


def detection(max_boxes: int) -> dict[str, Task]:
    return {'things': PAPER['detection'](detector=DetectionConfig(max_boxes=max_boxes))}


def with_boxes(boxes: BoxSet) -> Example:
    return Example(id='a', image=np.zeros((20, 30, 3), np.uint8), labels={'things': boxes})


def test_boxes_that_are_not_difficult_fill_the_first_places():
    boxes = make_boxes((1, 2, 3, 4.5, 7, False), (0, 0, 9, 9, 8, True), (5, 6, 7, 8, 20, False))
    unlabelled = Example(id='b', image=np.zeros((20, 30, 3), np.uint8))
    examples = [unlabelled, with_boxes(boxes), with_boxes(make_boxes()), None]
    batch = collate(examples, (33, 33), detection(4))
    targets = batch.targets['things']
    assert targets.corners.dtype == np.float32 and targets.corners.shape == (4, 4, 4)
    assert targets.classes.dtype == np.uint8 and targets.valid.dtype == bool
    assert targets.corners[1].tolist() == [[1, 2, 3, 4.5], [5, 6, 7, 8], [0] * 4, [0] * 4]
    assert targets.classes.tolist() == [[0] * 4, [7, 20, 0, 0], [0] * 4, [0] * 4]
    np.testing.assert_array_equal(targets.valid, targets.classes > 0)
    assert batch.labelled['things'].tolist() == [False, True, True, False]


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
        batch = collate([with_boxes(boxes)], (33, 33), detection(places))
        assert batch.targets['things'].classes.tolist() == [kept]
        assert batch.targets['things'].valid.all()
