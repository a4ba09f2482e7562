"""Labels that a network predicts for another network: their values, confidence and targets."""

import dataclasses
import functools
import re

import jax.numpy as jnp
import numpy as np
import pytest

from helpers.finishing import finish_one
from ubernet_jax.errors import UserError
from ubernet_jax.inference.predictor import Purpose
from ubernet_jax.labels import VOID
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.taught_boxes import ScoredBoxSet
from ubernet_jax.labels.taught_classes import ScoredClasses
from ubernet_jax.models.detection import DetectionOutputs
from ubernet_jax.models.proposals import Proposals
from ubernet_jax.models.settings import DetectionConfig
from ubernet_jax.tasks import (
    KINDS,
    Boundaries,
    ClassBoundaries,
    Detection,
    Segmentation,
    SoftMask,
    Task,
)
from ubernet_jax.tasks.dense import DenseTask
from ubernet_jax.tasks.soft_mask import FULL
from ubernet_jax.transforms.grids import Scaling
from ubernet_jax.visualize.style import DEFAULT_STYLE

teach = functools.partial(finish_one, purpose=Purpose.TEACHING)
CLASSES = ('none', 'cup', 'plate')
TASKS = {
    name: kind(classes=CLASSES) if kind.label_kind.has_classes else kind()
    for name, kind in KINDS.items()
}
SIZE = (20, 30)


def make_output(task: Task) -> object:
    """What the network might return for an image of 17x25 pixels."""
    rng = np.random.default_rng(0)
    if isinstance(task, DenseTask):
        return rng.normal(size=(17, 25, task.channels)).astype(np.float32)
    return DetectionOutputs(
        boxes=np.float32([[2, 3, 9, 9], [20, 10, 40, 20], [26, 3, 30, 9], [0, 0, 0, 0]]),
        classes=np.int32([2, 1, 1, 0]),
        scores=np.float32([0.9, 0.4, 0.3, 0]),
        valid=np.array([True, True, True, False]),
        proposals=Proposals(boxes=np.zeros((0, 4)), scores=np.zeros(0), valid=np.zeros(0, bool)),
    )


@pytest.mark.parametrize('name', TASKS)
def test_every_kind_teaches_labels_that_can_be_stored_and_trained_on(name):
    task = TASKS[name]
    kind, label = task.taught_label, teach(task, make_output(task), (17, 25), SIZE)
    assert kind.check(label, SIZE) == []
    packed = kind.pack(label)
    assert {n: (a.dtype, a.ndim) for n, a in packed.items()} == {
        n: (np.dtype(part.dtype), len(part.shape)) for n, part in kind.parts.items()
    }
    restored = kind.unpack(packed)
    small = kind.resize(kind.flip(restored, 30), Scaling(SIZE, (10, 15)))
    target = task.empty_target(1, (33, 65))
    task.write_taught(target, 0, kind.crop(small, (slice(0, 10), slice(0, 12))))
    picture = kind.draw(label, np.zeros((*SIZE, 3), np.uint8), DEFAULT_STYLE)
    assert picture.shape == (*SIZE, 3)


def target_of(task: Task, label: object, width: int = 5) -> list:
    target = task.empty_target(1, (1, width))
    task.write_taught(target, 0, label)
    return target[0, 0].tolist()


def test_the_target_of_a_taught_mask_is_its_probability_where_that_is_certain():
    label = np.uint8([[0, 51, 128, 204, 255]])
    assert target_of(SoftMask(), label) == [0, 51, 127, 203, FULL]
    assert target_of(SoftMask(taught_confidence=0.9), label) == [0, VOID, VOID, VOID, FULL]


@pytest.mark.parametrize('share', [0.0, 0.25, 1.0])
def test_the_loss_of_a_mask_is_the_cross_entropy_with_its_probability(share):
    scores = jnp.array([0.0, np.log(3)], jnp.float32).reshape(1, 1, 1, 2)  # probability 3/4
    target = jnp.full((1, 1, 1), round(FULL * share), jnp.uint8)
    loss, counted = SoftMask().pixel_loss(scores, target, jnp.ones((1, 1, 1), bool))
    probability = round(FULL * share) / FULL
    wanted = -(probability * np.log(3 / 4) + (1 - probability) * np.log(1 / 4))
    assert counted.all()
    assert float(loss[0, 0, 0]) == pytest.approx(wanted, rel=1e-6)


def test_a_taught_line_is_certain_if_its_probability_is_far_from_a_half():
    label = LineMap(share=np.uint8([[0, 51, 128, 204, 255]]))
    assert target_of(Boundaries(), label) == [0, 0, 1, 1, 1]
    assert target_of(Boundaries(taught_confidence=0.9), label) == [0, VOID, VOID, VOID, 1]
    scored = ScoredClasses(classes=np.uint8([[0, 1, 2, 2, 1]]), scores=label.share)
    task = ClassBoundaries(classes=CLASSES)
    assert target_of(task, scored) == [0, 0, 2, 2, 1]
    task.taught_confidence = 0.9
    assert target_of(task, scored) == [0, VOID, VOID, VOID, 1]


def test_taught_classes_are_void_where_their_probability_is_low():
    label = ScoredClasses(
        classes=np.uint8([[0, 1, 2, 2, 1]]), scores=np.uint8([[255, 100, 128, 204, 0]])
    )
    task = Segmentation(classes=CLASSES, stride=1)
    assert target_of(task, label) == [0, VOID, 2, 2, VOID]
    task.taught_confidence = 0.0
    assert target_of(task, label) == [0, 1, 2, 2, 1]


def test_the_taught_class_has_the_softmax_probability_of_the_teacher():
    scores = np.log(np.float32([[[1, 3, 6], [8, 1, 1]]]))
    label = teach(Segmentation(classes=CLASSES, stride=1), scores, (1, 2), (1, 2))
    assert label.classes.tolist() == [[2, 0]] and label.scores.tolist() == [[153, 204]]


def test_lines_are_taught_one_pixel_wide():
    scores = np.zeros((21, 21, 2), np.float32)
    scores[..., 1] = -4
    scores[:, 9:12, 1] = [2, 4, 2]
    share = teach(Boundaries(stride=1), scores, (21, 21), (21, 21)).share
    assert (share[10] > 127).nonzero()[0].tolist() == [10]


def test_taught_boxes_are_objects_ignored_or_absent_by_their_scores():
    corners = np.float32([[0, 0, 9, 9], [5, 5, 9, 9], [1, 1, 3, 3], [2, 2, 4, 4]])
    label = ScoredBoxSet(
        corners=corners,
        classes=np.uint8([1, 2, 1, 2]),
        difficult=np.zeros(4, bool),
        scores=np.float32([0.9, 0.5, 0.3, 0.1]),
    )
    for slots, objects, ignored in (
        (5, [1, 2], [1]),
        (3, [1, 2], [1]),
        (2, [1, 2], []),
        (1, [1], []),
    ):
        task = Detection(classes=CLASSES, detector=DetectionConfig(max_boxes=slots))
        target = task.empty_target(1, (33, 33))
        task.write_taught(target, 0, label)
        assert target.classes[0][target.valid[0]].tolist() == objects
        assert target.classes[0][target.ignored[0]].tolist() == ignored
        kept = len(objects) + len(ignored)
        np.testing.assert_array_equal(target.corners[0, :kept], corners[:kept])


@pytest.mark.parametrize(
    ('field', 'value'),
    [('taught_weight', 1.5), ('taught_confidence', -0.1), ('taught_weight', np.nan)],
)
@pytest.mark.parametrize('name', TASKS)
def test_weights_and_confidences_are_shares(name, field, value):
    task = dataclasses.replace(TASKS[name], **{field: value})
    with pytest.raises(UserError, match=re.escape(f'tasks.mine.{field}')):
        task.validate('tasks.mine')


def test_boxes_that_are_ignored_have_lower_scores_than_objects():
    with pytest.raises(UserError, match=r'taught_ignored.*0\.6.*0\.5'):
        Detection(classes=CLASSES, taught_ignored=0.6).validate('tasks.mine')
