"""Kinds of tasks: allowed settings, targets, and the effect of settings on the loss."""

import dataclasses
import itertools
import re
import string

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.examples import make_boxes
from helpers.networks import make_batch
from ubernet_jax.batch import Batch
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels import VOID
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.models.settings import DetectionConfig
from ubernet_jax.tasks import (
    KINDS,
    PAPER,
    Boundaries,
    Depth,
    Detection,
    Normals,
    Segmentation,
    SoftMask,
    Task,
)
from ubernet_jax.tasks.soft_mask import FULL
from ubernet_jax.training.collation import add_absent_targets, collate

CLASSES = ('none', 'cup', 'plate')
TASKS = {
    name: kind(classes=CLASSES) if kind.label_kind.has_classes else kind()
    for name, kind in KINDS.items()
}
RNG = np.random.default_rng(0)
LABELS = {
    'boundaries': LineMap(share=RNG.choice(np.uint8([0, 100, 255]), (20, 30))),
    'class_boundaries': RNG.choice(np.uint8([0, 1, 2, VOID]), (20, 30)),
    'depth': RNG.uniform(1, 5, (20, 30)).astype(np.float32),
    'detection': make_boxes((1, 2, 3.5, 4, 2, False)),
    'normals': np.broadcast_to(np.float32([0, 0.6, 0.8]), (20, 30, 3)),
    'segmentation': RNG.choice(np.uint8([0, 1, 2, VOID]), (20, 30)),
    'soft_mask': RNG.integers(0, 256, (20, 30), np.uint8),
}


def make_example(*labelled: str) -> Example:
    labels = {name: LABELS[name] for name in labelled}
    return Example(id='a', image=np.zeros((20, 30, 3), np.uint8), labels=labels)


# Settings.


@pytest.mark.parametrize('name', TASKS)
def test_the_default_settings_of_every_kind_are_allowed(name):
    TASKS[name].validate('tasks.mine')
    KINDS[name]().validate('tasks.mine')  # the classes may come from the data


@pytest.mark.parametrize('name', TASKS)
@pytest.mark.parametrize(
    ('field', 'value', 'allowed'),
    [
        ('batch_size', 0, 'above 0'),
        ('learning_rate', -0.1, 'above 0'),
        ('learning_rate', np.nan, 'above 0'),
        ('decay_at', (0.5, 1.1), 'shares above 0, up to 1'),
        ('weight', 0.0, 'above 0'),
    ],
)
def test_every_kind_checks_the_settings_of_its_parameter_group(name, field, value, allowed):
    assert_refused(dataclasses.replace(TASKS[name], **{field: value}), field, value, allowed)


@pytest.mark.parametrize(
    ('name', 'field', 'value', 'allowed'),
    [
        ('boundaries', 'stride', 3, '1, 2, 4 or 8'),
        ('normals', 'hidden', -1, '0 or more'),
        ('boundaries', 'positive_share', -0.1, '0 <= positive_share < 1'),
        ('soft_mask', 'positive_share', 1.0, '0 <= positive_share < 1'),
        ('boundaries', 'bag_radius', -1, '0 or more'),
        ('class_boundaries', 'positive_weight', -0.5, '0 or more'),
        ('class_boundaries', 'negative_weight', np.nan, '0 or more'),
        ('normals', 'transition', 0.0, 'above 0'),
        ('normals', 'length_weight', -0.1, '0 or more'),
        ('normals', 'classes', CLASSES, 'empty: tasks of kind normals have no classes'),
        ('soft_mask', 'classes', CLASSES, 'empty: tasks of kind soft_mask have no classes'),
    ],
)
def test_every_kind_checks_its_additional_settings(name, field, value, allowed):
    assert_refused(dataclasses.replace(TASKS[name], **{field: value}), field, value, allowed)


@pytest.mark.parametrize(
    ('field', 'value', 'allowed'),
    [
        ('max_boxes', 0, 'above 0'),
        ('detections', 0, 'above 0'),
        ('train_proposals', (10, 20), 'two numbers, before >= after > 0'),
        ('anchor_scales', (1.0, -2.0), 'one or more above 0'),
        ('min_score', 1.0, '0 <= min_score < 1'),
        ('proposal_class_weight', -1.0, '0 or more'),
    ],
)
def test_detection_checks_the_settings_of_its_detector(field, value, allowed):
    detection = Detection(classes=CLASSES, detector=DetectionConfig(**{field: value}))
    assert_refused(detection, f'detector.{field}', value, allowed)


def assert_refused(task: Task, field: str, value: object, allowed: str) -> None:
    name, value, allowed = (re.escape(str(x)) for x in (f'tasks.mine.{field}', value, allowed))
    with pytest.raises(UserError, match=f'{name}.*{value}.*{allowed}'):
        task.validate('tasks.mine')


@pytest.mark.parametrize(
    ('classes', 'problem'),
    [
        (('only',), '1 class.*2 to 255'),
        (tuple(map(str, range(256))), '256 classes.*2 to 255'),
        (('none', 'cup', 'cup'), "'cup'"),
        (('none', ''), re.escape("('none', '')")),
    ],
)
def test_class_names_are_unique_and_at_most_255(classes, problem):
    for name, task in TASKS.items():
        if task.label_kind.has_classes:
            with pytest.raises(UserError, match=rf'tasks\.mine\.classes.*{problem}'):
                KINDS[name](classes=classes).validate('tasks.mine')


def test_tasks_of_the_paper_share_no_settings():
    first, second = PAPER['detection'](weight=3.0), PAPER['detection']()
    first.detector.width = 8
    assert (second.weight, second.detector.width) == (1.0, DetectionConfig().width)
    assert len(first.classes) == len(second.classes) == 21


def test_the_label_of_a_task_has_its_kind_and_its_classes():
    for name, task in TASKS.items():
        has_classes = name in ('class_boundaries', 'detection', 'segmentation')
        classes = {'classes': CLASSES} if has_classes else {}
        assert task.label == task.label_kind(**classes)


# Targets.


def test_empty_targets_have_the_smallest_dtypes():
    shape = (2, 33, 65)
    dtypes = {'normals': (np.int8, 0), 'depth': (np.float16, 0)}
    for name in TASKS.keys() - {'detection'}:
        dtype, unknown = dtypes.get(name, (np.uint8, VOID))
        target = TASKS[name].empty_target(2, shape[1:])
        assert isinstance(target, np.ndarray) and target.dtype == dtype
        size = (5, 9) if name == 'segmentation' else shape[1:]  # at the stride of the task
        assert target.shape == (2, *size, *([3] if name == 'normals' else []))
        assert (target == unknown).all()
    boxes = TASKS['detection'].empty_target(2, shape[1:])
    fields = {'corners': np.float32, 'classes': np.uint8, 'valid': bool}
    for field, dtype in fields.items():
        array = getattr(boxes, field)
        assert array.dtype == dtype and array.shape[:2] == (2, 50) and not array.any()


@pytest.mark.parametrize('name', TASKS)
def test_labels_are_written_into_the_upper_left_without_changing_the_dtype(name):
    task = TASKS[name]
    target, empty = (task.empty_target(2, (33, 65)) for _ in range(2))
    task.write_target(target, 1, LABELS[name])
    changed = 0
    for written, unwritten in zip(jax.tree.leaves(target), jax.tree.leaves(empty), strict=True):
        np.testing.assert_array_equal(written[0], unwritten[0])
        assert written.dtype == unwritten.dtype
        changed += (written[1] != unwritten[1]).any()
        if name != 'detection':
            height, width = (3, 4) if name == 'segmentation' else (20, 30)
            np.testing.assert_array_equal(written[1, height:], unwritten[1, height:])
            np.testing.assert_array_equal(written[1, :, width:], unwritten[1, :, width:])
    assert changed == (3 if name == 'detection' else 1)  # a real box is not ignored


def test_targets_of_shares():
    share = np.array([[0, 1, 127, 128, 255]], np.uint8)

    def target(task: Task, label: object) -> list:
        target = task.empty_target(1, (1, 5))
        task.write_target(target, 0, label)
        return target[0, 0].tolist()

    assert target(Boundaries(), LineMap(share=share)) == [0, VOID, VOID, 1, 1]
    assert target(Boundaries(positive_share=0.0), LineMap(share=share)) == [0, 1, 1, 1, 1]
    assert target(SoftMask(), share) == [0, 0, 0, FULL, FULL]
    assert target(SoftMask(positive_share=0.0), share) == [0, FULL, FULL, FULL, FULL]


def test_the_target_of_normals_differs_by_less_than_half_a_degree():
    vectors = RNG.normal(size=(200, 300, 3))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    target = Normals().empty_target(1, (200, 300))
    Normals().write_target(target, 0, vectors.astype(np.float32))
    stored = target[0] / np.linalg.norm(target[0], axis=-1, keepdims=True)
    chord = np.linalg.norm(stored - vectors, axis=-1)
    assert np.rad2deg(chord.max()) < 0.4


def test_only_the_pixels_that_have_scores_have_a_target():
    label = RNG.integers(0, 3, (20, 30), np.uint8)
    for stride in (1, 2, 4, 8):
        task = Segmentation(classes=CLASSES, stride=stride)
        target = task.empty_target(1, (21, 33))
        task.write_target(target, 0, label)
        full = np.full((21, 33), VOID, np.uint8)
        full[:20, :30] = label
        np.testing.assert_array_equal(target[0], full[::stride, ::stride])


def test_a_distance_beyond_the_range_of_the_target_is_unknown():
    target = Depth().empty_target(1, (1, 3))
    Depth().write_target(target, 0, np.float32([[2, 65_504, 1e5]]))
    assert target.tolist() == [[[2, 65_504, 0]]]


def host_bytes(batch: Batch) -> int:
    return sum(leaf.nbytes for leaf in jax.tree.leaves(batch))


def test_the_size_of_a_batch_does_not_grow_with_the_number_of_tasks():
    many = {f'task_{letter}': Segmentation(classes=CLASSES) for letter in string.ascii_lowercase}
    example = make_example('segmentation')
    few = collate([example], (33, 65), {'segmentation': TASKS['segmentation']})
    assert host_bytes(collate([example], (33, 65), TASKS | many)) == host_bytes(few)
    # Three bytes a pixel for the image, one a score for the classes; size, scale, whether labelled
    # and whether taught.
    assert host_bytes(few) == 3 * 33 * 65 + 5 * 9 + 8 + 8 + 1 + 1


def test_the_structure_of_a_completed_batch_does_not_depend_on_the_labels():
    complete = jax.jit(lambda batch: add_absent_targets(TASKS, batch))
    structures = set()
    for count in range(len(TASKS) + 1):
        for names in itertools.combinations(TASKS, count):
            batch = complete.eval_shape(collate([make_example(*names), None], (33, 65), TASKS))
            structures.add(jax.tree.structure(batch))
            shapes = tuple((leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(batch))
            structures.add(shapes)
    assert len(structures) == 2  # the tree, and the shapes and dtypes of its leaves
    full = make_batch(TASKS, np.ones((2, len(TASKS)), bool))
    assert jax.tree.structure(full) in structures


@pytest.mark.parametrize('name', TASKS)
def test_empty_targets_on_host_and_device_are_equal(name):
    host, device = (TASKS[name].empty_target(2, (33, 65), arrays) for arrays in (np, jnp))

    def compare(host: np.ndarray, device: jax.Array) -> None:
        assert isinstance(device, jax.Array) and host.dtype == device.dtype
        np.testing.assert_array_equal(host, device)

    jax.tree.map(compare, host, device)


def test_images_with_too_many_boxes_are_counted():
    task = Detection(classes=CLASSES, detector=DetectionConfig(max_boxes=3))
    assert task.find_excess(np.array([0, 3, 2])) == ''
    excess = task.find_excess(np.array([4, 3, 9]))
    assert re.search(r'\b2 images.*\b3 boxes.*max_boxes=9', excess)
    assert all(
        TASKS[name].find_excess(np.array([1000])) == '' for name in TASKS.keys() - {'detection'}
    )


# Effects of settings on the loss.


@pytest.mark.parametrize(
    ('side', 'anchors'), [(33, (1, 2)), (257, (1, 2, 4, 8, 16)), (1000, (1, 2, 4, 8, 16, 32))]
)
def test_the_anchors_of_a_new_configuration_fit_into_the_images(side, anchors):
    task = Detection(weight=2.0).fitted_to(side)
    assert task.detector.anchor_scales == anchors and task.weight == 2
    assert Normals().fitted_to(side) == Normals()
