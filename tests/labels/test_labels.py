"""What every kind of label promises: files, records, transforms, checks, pictures, descriptions.

Reading in detail: test_labels_reading.py; values over a set: test_label_reviews.py; pictures pixel
by pixel: test_visualize.py.
"""

import json
import pathlib
from typing import Any

import numpy as np
import pytest

from helpers.tiny_datasets import assert_same_label, make_boxes, save_map, write_json
from ubernet_jax import labels
from ubernet_jax.labels import VOID, Boxes, ClassLines, ClassMap, LabelKind, Lines, from_json
from ubernet_jax.labels.kind import KINDS, Part
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.standard import FOLDERS, PERSON_PARTS, STANDARD, VOC_CLASSES
from ubernet_jax.transforms.grids import Rotation, Scaling
from ubernet_jax.visualize.style import DEFAULT_STYLE

SIZE = HEIGHT, WIDTH = 12, 18
CLASSES = ('background', 'crop', 'weed', 'stone')
RNG = np.random.default_rng(0)


def classes() -> np.ndarray:
    own = RNG.integers(0, 4, SIZE, np.uint8)
    own[:2] = VOID
    return own


def directions() -> np.ndarray:
    vectors = RNG.standard_normal((*SIZE, 3))
    vectors[:, :3] = 0
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1)).astype(np.float32)


# Name of the kind -> the kind, and a label of an image of SIZE.
SAMPLES: dict[str, tuple[LabelKind, Any]] = {
    'class_map': (ClassMap(classes=CLASSES), classes()),
    'soft_mask': (labels.SoftMask(), RNG.integers(0, 256, SIZE, np.uint8)),
    'lines': (Lines(), LineMap.of_annotators(RNG.random((3, *SIZE)) < 0.2)),
    'class_lines': (
        ClassLines(classes=CLASSES),
        np.where(RNG.random(SIZE) < 0.2, RNG.integers(1, 4, SIZE), 0).astype(np.uint8),
    ),
    'unit_vectors': (labels.UnitVectors(), directions()),
    'metres': (labels.Metres(), RNG.uniform(0.5, 9, SIZE).astype(np.float32)),
    'boxes': (
        Boxes(classes=CLASSES),
        make_boxes((0, 0.5, 18, 12, 3, False), (2, 1, 3, 2.25, 1, True), (4, 4, 9, 9, 2, False)),
    ),
}


@pytest.fixture(params=SAMPLES)
def sample(request) -> tuple[LabelKind, Any]:
    return SAMPLES[request.param]


def test_every_kind_is_tested_here():
    own = {name for name, kind in KINDS.items() if kind.__module__.startswith('ubernet_jax.')}
    assert own == set(SAMPLES)
    assert all(KINDS[name] is type(kind) for name, (kind, _) in SAMPLES.items())


# Files and records.


def write(path: pathlib.Path, kind: LabelKind, label: Any) -> pathlib.Path:
    """A label as a file of the folder layout."""
    if isinstance(kind, Boxes):
        rows = zip(label.corners.tolist(), label.classes, label.difficult.tolist(), strict=True)
        boxes = [{'box': b, 'label': CLASSES[i], 'difficult': d} for b, i, d in rows]
        write_json(path.with_suffix('.json'), boxes)
    elif isinstance(kind, labels.UnitVectors | labels.Metres):
        np.save(path.with_suffix('.npy'), label)
    elif isinstance(kind, Lines):
        np.save(path.with_suffix('.npy'), label.annotators)
    else:
        save_map(path.with_suffix('.png'), label)
    return next(path.parent.glob('a.*'))


def test_what_is_in_a_file_is_in_the_label(sample, tmp_path):
    kind, label = sample
    path = write(tmp_path / 'a', kind, label)
    assert_same_label(kind, kind.read(path, SIZE), label)
    assert_same_label(kind, kind.read(path), label)
    assert kind.check(label, SIZE) == []


def test_a_record_has_the_parts_that_the_kind_says_and_gives_the_label_back(sample):
    kind, label = sample
    packed = kind.pack(label)
    assert set(packed) == set(kind.parts)
    for name, part in kind.parts.items():
        assert isinstance(part, Part)
        assert packed[name].dtype == part.dtype
        assert len(packed[name].shape) == len(part.shape)
        lengths = zip(packed[name].shape, part.shape, strict=True)
        assert all(wanted in (None, length) for length, wanted in lengths)
    rounding = 1 if isinstance(kind, labels.UnitVectors) else 0  # of 32767
    assert_same_label(kind, kind.unpack(packed), label, atol=rounding)


def test_lines_without_annotators_come_back_without():
    label = LineMap(share=np.full((2, 3), 7, np.uint8))
    assert Lines().unpack(Lines().pack(label)).annotators is None
    assert_same_label(Lines(), Lines().unpack(Lines().pack(label)), label)


def test_vectors_lie_in_a_record_to_two_thousandths_of_a_degree():
    kind, label = SAMPLES['unit_vectors']
    stored = kind.unpack(kind.pack(label))
    assert stored.dtype == np.float32
    np.testing.assert_allclose(stored, label, atol=3e-5)
    known = label.any(axis=-1)
    np.testing.assert_allclose(np.linalg.norm(stored[known], axis=-1), 1, atol=1e-6)
    assert not stored[~known].any()


def test_only_the_evaluation_needs_annotators(sample):
    kind, label = sample
    own = kind.for_training(label)
    if isinstance(kind, Lines):
        assert own.annotators is None and label.annotators is not None
        np.testing.assert_array_equal(own.share, label.share)
    else:
        assert own is label


def test_the_share_of_annotators():
    """Anything but 0 is a line; 255ths are rounded to the nearest."""
    label = LineMap.of_annotators(np.array([[[0, 1, 255]], [[0, 0, 2]], [[0, 0, 1]]]))
    assert label.share.tolist() == [[0, 85, 255]]
    assert label.annotators.tolist() == [[[0, 1, 1]], [[0, 0, 1]], [[0, 0, 1]]]
    assert label.share.dtype == label.annotators.dtype == np.uint8


def test_objects_that_count(sample):
    kind, label = sample
    assert kind.count(label) == (2 if isinstance(kind, Boxes) else None)
    assert Boxes().count(make_boxes()) == 0


def test_some_boxes_are_chosen_by_a_mask_or_in_an_order():
    boxes = make_boxes((0, 1, 2, 4, 5, False), (0, 0, 1, 1, 6, True), (0, 0, 9, 0.5, 7, False))
    assert boxes.areas().tolist() == [6, 1, 4.5]
    chosen = boxes[~boxes.difficult]
    assert chosen.corners.tolist() == [[0, 1, 2, 4], [0, 0, 9, 0.5]]
    assert (chosen.classes.tolist(), chosen.difficult.tolist()) == ([5, 7], [False, False])
    ordered = boxes[np.array([2, 1])]
    assert (ordered.classes.tolist(), ordered.difficult.tolist()) == ([7, 6], [False, True])
    assert (len(boxes), len(ordered), len(make_boxes())) == (3, 2, 0)


# Transforms; each kind's own are in test_transforms.py.


def test_what_changes_nothing(sample):
    kind, label = sample
    twice = kind.flip(kind.flip(label, WIDTH), WIDTH)
    whole = kind.crop(label, (slice(0, HEIGHT), slice(0, WIDTH)))
    same = kind.resize(label, Scaling(SIZE, SIZE))
    for result in (twice, whole, same):
        assert_same_label(kind, result, label)


def test_four_quarter_turns_change_nothing(sample):
    kind, label = sample
    if not kind.rotates:
        assert isinstance(kind, Boxes)
        return
    turned, size = label, SIZE
    for _ in range(4):
        turned, size = kind.rotate(turned, Rotation(size, 90)), size[::-1]
        assert kind.check(turned, size) == []
    assert_same_label(kind, turned, label)


def test_cutting_and_flipping_in_any_order(sample):
    kind, label = sample
    one = kind.flip(kind.crop(label, (slice(1, 11), slice(3, 13))), 10)
    other = kind.crop(kind.flip(label, WIDTH), (slice(1, 11), slice(5, 15)))
    assert_same_label(kind, one, other)


@pytest.mark.parametrize('size', [(5, 30), (31, 7), (1, 1), (24, 36)])
def test_a_label_that_is_scaled_fits_its_image(size, sample):
    kind, label = sample
    scaled = kind.resize(label, Scaling(SIZE, size))
    assert kind.check(scaled, size) == []
    assert kind.check(label, SIZE) == []  # unchanged


def test_a_label_is_not_changed_by_what_is_done_to_it(sample):
    kind, label = sample
    before = {name: own.copy() for name, own in kind.pack(label).items()}
    kind.flip(label, WIDTH)
    kind.crop(label, (slice(0, 3), slice(2, 5)))
    kind.resize(label, Scaling(SIZE, (30, 30)))
    if kind.rotates:
        kind.rotate(label, Rotation(SIZE, 30))
    for name, own in kind.pack(label).items():
        np.testing.assert_array_equal(own, before[name])


# Checks.


def test_a_label_of_another_size(sample):
    kind, label = sample
    errors = kind.check(label, (HEIGHT - 1, WIDTH))
    if isinstance(kind, Boxes):
        assert errors == ['has a box without area, or one that reaches out of the image']
    else:
        (error,) = errors
        assert error.startswith(f'has the shape {kind_shape(label)}, not (11, 18')


def kind_shape(label: Any) -> tuple[int, ...]:
    return label.share.shape if isinstance(label, LineMap) else label.shape


@pytest.mark.parametrize('kind', [ClassMap(classes=CLASSES), ClassLines(classes=CLASSES)])
def test_a_class_that_is_none(kind):
    label = np.array([[0, 3, VOID]], np.uint8)
    assert kind.check(label, (1, 3)) == []
    label[0, 0] = 4
    error = (
        'class index 4 is out of range; allowed are 0 to 3, and 255 where the class is not known'
    )
    assert kind.check(label, (1, 3)) == [error]
    assert type(kind)().check(label, (1, 3)) == []  # classes that are not known yet


@pytest.mark.parametrize(
    ('row', 'error'),
    [
        ((0, 0, 18, 12, 3, False), None),
        ((-0.5, 0, 5, 5, 1, False), 'reaches out of the image'),
        ((0, 0, 18.5, 5, 1, False), 'reaches out of the image'),
        ((0, 0, 5, 12.5, 1, False), 'reaches out of the image'),
        ((3, 3, 3, 9, 1, False), 'without area'),
        ((3, 3, 9, 3, 1, False), 'without area'),
        ((9, 9, 3, 3, 1, False), 'without area'),  # twice negative
        ((0, 0, np.nan, 5, 1, False), 'without area'),
        ((0, 0, 5, 5, 4, False), 'has class 4; allowed are 1 to 3'),
        ((0, 0, 5, 5, 0, True), 'has class 0; allowed are 1 to 3'),
    ],
)
def test_a_box_that_is_none(row, error):
    errors = Boxes(classes=CLASSES).check(make_boxes((1, 1, 2, 2, 1, False), row), SIZE)
    assert len(errors) == (error is not None)
    assert not error or error in errors[0]


# Pictures.


def test_a_picture_of_every_kind(sample):
    kind, label = sample
    image = np.full((*SIZE, 3), 100, np.uint8)
    drawn = kind.draw(label, image, DEFAULT_STYLE)
    assert (drawn.shape, drawn.dtype) == ((*SIZE, 3), np.uint8)
    assert len(np.unique(drawn)) > 1
    assert (image == 100).all()


def test_colours_are_explained(sample):
    """By the names of classes, beside a box or in a legend, or by a key; greys need neither."""
    kind, label = sample
    colours = {
        'crop': (128, 0, 0),
        'weed': (0, 128, 0),
        'stone': (128, 128, 0),
        'void': (224, 224, 192),
    }
    names = {
        'class_map': ['crop', 'weed', 'stone', 'void'],
        'class_lines': ['crop', 'weed', 'stone'],
    }.get(kind.name, [])
    assert kind.legend(label) == {name: colours[name] for name in names}
    full = ['crop', 'weed', 'stone'] if names else []
    assert kind.full_legend() == {name: colours[name] for name in full}
    key = kind.key(label, 30)
    assert (key is None) == (kind.name not in ('unit_vectors', 'metres'))
    assert key is None or (key.shape[0], key.shape[2]) == (30, 3)


# Descriptions.


def test_a_description_in_json_gives_the_kind_back(sample):
    kind, _ = sample
    plain = json.loads(json.dumps(kind.to_json()))
    assert plain == {'kind': kind.name} | ({'classes': list(CLASSES)} if kind.has_classes else {})
    again = from_json(plain, 'it')
    assert again == kind and type(again) is type(kind)
    hash(again)  # of tuples
    assert from_json({'kind': kind.name}, 'it') == type(kind)()


def test_which_labels_mean_the_same():
    kinds = [kind for kind, _ in SAMPLES.values()]
    same = [[one.same_as(other) for one in kinds] for other in kinds]
    np.testing.assert_array_equal(same, np.eye(len(kinds), dtype=bool))
    for kind in (ClassMap, ClassLines, Boxes):
        assert not kind(classes=CLASSES).same_as(kind(classes=CLASSES[::-1]))
        assert not kind(classes=CLASSES).same_as(kind())


def test_the_standard_names():
    assert list(STANDARD) == [
        'boundaries', 'normals', 'depth', 'saliency', 'segmentation', 'parts',
        'semantic_boundaries', 'detection',
    ]  # fmt: skip
    assert len(VOC_CLASSES) == 21 and len(PERSON_PARTS) == 7
    assert STANDARD['detection'].classes == STANDARD['semantic_boundaries'].classes == VOC_CLASSES
    assert set(FOLDERS.values()) <= set(STANDARD) and not set(FOLDERS) & set(STANDARD)


# Targets.


@pytest.mark.parametrize(
    ('name', 'shape', 'dtype', 'value'),
    [
        ('class_map', (2, 3, 4), np.uint8, VOID),
        ('soft_mask', (2, 3, 4), np.uint8, VOID),
        ('class_lines', (2, 3, 4), np.uint8, VOID),
        ('lines', (2, 3, 4), np.uint8, VOID),
        ('unit_vectors', (2, 3, 4, 3), np.int16, 0),
    ],
)
def test_a_target_without_a_label(name, shape, dtype, value):
    target = SAMPLES[name][0].empty_target(2, (3, 4), np)
    assert (target.shape, target.dtype) == (shape, dtype)
    assert (target == value).all()
