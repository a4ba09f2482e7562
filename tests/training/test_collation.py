"""Collation: padding, and labels as targets of the losses."""

import jax
import numpy as np

from helpers.examples import make_boxes
from ubernet_jax.example import Example
from ubernet_jax.labels import VOID
from ubernet_jax.labels.boxes import BoxSet
from ubernet_jax.models.settings import DetectionConfig
from ubernet_jax.tasks import PAPER, Task
from ubernet_jax.training.collation import add_absent_targets, collate

PARTS = {'parts': PAPER['parts'](stride=1), 'saliency': PAPER['saliency']()}


def test_collating_pads_at_the_bottom_and_the_right():
    example = Example(
        id='a',
        image=np.full((2, 3, 3), 7, np.uint8),
        labels={'parts': np.array([[1, 2, 3], [4, VOID, 6]], np.uint8)},
        scale=(0.5, 1.5),
    )
    batch = collate([None, example], (3, 4), PARTS)
    assert batch.image_sizes.dtype == np.int32 and batch.image_sizes.tolist() == [[0, 0], [2, 3]]
    assert batch.scales.dtype == np.float32 and batch.scales.tolist() == [[1, 1], [0.5, 1.5]]
    assert batch.valid[1].tolist() == [[True] * 3 + [False]] * 2 + [[False] * 4]
    assert not batch.valid[0].any()
    assert batch.targets['parts'][1].tolist() == [[1, 2, 3, VOID], [4, VOID, 6, VOID], [VOID] * 4]
    assert (batch.targets['parts'][0] == VOID).all()
    assert batch.labelled['parts'].tolist() == [False, True]
    np.testing.assert_array_equal(batch.image, 7 * np.asarray(batch.valid)[..., None].repeat(3, -1))


def test_a_task_without_a_labelled_image_has_no_target():
    labelled = Example(
        id='a',
        image=np.zeros((2, 3, 3), np.uint8),
        labels={'saliency': np.zeros((2, 3), np.uint8), 'unused': np.zeros((2, 3), np.uint8)},
    )
    unlabelled = Example(id='b', image=np.zeros((2, 3, 3), np.uint8))
    for examples, names in (([unlabelled, labelled], {'saliency'}), ([None, unlabelled], set())):
        batch = collate(examples, (3, 4), PARTS)
        assert set(batch.targets) == set(batch.labelled) == names


def test_absent_targets_are_empty_and_present_targets_do_not_change():
    example = Example(
        id='a', image=np.full((2, 3, 3), 9, np.uint8), labels={'parts': np.ones((2, 3), np.uint8)}
    )
    batch = collate([example, None], (3, 4), PARTS)
    complete = jax.jit(lambda batch: add_absent_targets(PARTS, batch))(batch)
    assert (complete.targets['saliency'] == VOID).all()
    assert complete.labelled['saliency'].tolist() == [False, False]
    fields = ('targets', 'labelled', 'taught')
    present = complete.replace(
        **{field: {'parts': getattr(complete, field)['parts']} for field in fields}
    )
    jax.tree.map(np.testing.assert_array_equal, present, batch)


def test_targets_are_in_the_order_of_the_tasks():
    tasks = {name: PAPER[name]() for name in ('saliency', 'boundaries', 'parts')}
    label = np.zeros((2, 3), np.uint8)
    example = Example(
        id='a', image=np.zeros((2, 3, 3), np.uint8), labels={'parts': label, 'saliency': label}
    )
    batch = collate([example], (3, 4), tasks)
    assert list(batch.targets) == list(batch.labelled) == ['saliency', 'parts']
    complete = add_absent_targets(tasks, batch)
    # Absent tasks follow; the order is no part of the structure that a program is compiled for.
    assert list(complete.targets) == list(complete.labelled) == ['saliency', 'parts', 'boundaries']
    unlabelled = add_absent_targets(tasks, collate([None], (3, 4), tasks))
    assert list(unlabelled.targets) == list(unlabelled.labelled) == list(tasks)
    assert jax.tree.structure(complete) == jax.tree.structure(unlabelled)


def detection_tasks(max_boxes: int) -> dict[str, Task]:
    return {'detection': PAPER['detection'](detector=DetectionConfig(max_boxes=max_boxes))}


def with_boxes(boxes: BoxSet) -> Example:
    return Example(id='a', image=np.zeros((20, 30, 3), np.uint8), labels={'detection': boxes})


def test_boxes_that_are_not_difficult_fill_the_first_slots():
    boxes = make_boxes((1, 2, 3, 4.5, 7, False), (0, 0, 9, 9, 8, True), (5, 6, 7, 8, 20, False))
    unlabelled = Example(id='b', image=np.zeros((20, 30, 3), np.uint8))
    examples = [unlabelled, with_boxes(boxes), with_boxes(make_boxes()), None]
    batch = collate(examples, (33, 33), detection_tasks(4))
    targets = batch.targets['detection']
    assert targets.corners.dtype == np.float32 and targets.corners.shape == (4, 4, 4)
    assert targets.classes.dtype == np.uint8 and targets.valid.dtype == bool
    assert targets.corners[1].tolist() == [[1, 2, 3, 4.5], [5, 6, 7, 8], [0] * 4, [0] * 4]
    assert targets.classes.tolist() == [[0] * 4, [7, 20, 0, 0], [0] * 4, [0] * 4]
    np.testing.assert_array_equal(targets.valid, targets.classes > 0)
    assert batch.labelled['detection'].tolist() == [False, True, True, False]


def test_the_largest_boxes_are_kept_in_their_order():
    boxes = make_boxes(
        (0, 0, 2, 2, 1, False),
        (0, 0, 3, 3, 2, False),
        (0, 0, 20, 20, 3, True),  # takes no slot
        (0, 0, 1, 9, 4, False),
        (5, 5, 9, 9, 5, False),
        (0, 0, 2, 1, 6, False),
    )
    for slots, kept in ((5, [1, 2, 4, 5, 6]), (3, [2, 4, 5]), (2, [2, 5]), (1, [5])):
        batch = collate([with_boxes(boxes)], (33, 33), detection_tasks(slots))
        assert batch.targets['detection'].classes.tolist() == [kept]
        assert batch.targets['detection'].valid.all()
