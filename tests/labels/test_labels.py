"""The interface of every kind of label: files, records, transforms, checks, pictures, descriptions.

Details of reading: test_reading.py; values of a whole dataset: test_reviews.py; pixels of pictures:
visualize/test_visualize.py.
"""

import json
import pathlib
from typing import Any

import numpy as np
import pytest

from helpers.dataset_files import save_map, write_json
from helpers.examples import assert_same_label, make_boxes
from ubernet_jax import labels
from ubernet_jax.labels import (
    KINDS,
    VOID,
    Boxes,
    ClassLines,
    ClassMap,
    LabelKind,
    Lines,
    from_json,
)
from ubernet_jax.labels.kind import Part
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.transforms.grids import Rotation, Scaling
from ubernet_jax.visualize.palette import SAFE_PALETTE
from ubernet_jax.visualize.style import DEFAULT_STYLE

SIZE = HEIGHT, WIDTH = 12, 18
CLASSES = ('background', 'crop', 'weed', 'stone')
RNG = np.random.default_rng(0)


def classes() -> np.ndarray:
    label = RNG.integers(0, 4, SIZE, np.uint8)
    label[:2] = VOID
    return label


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
    names = {name for name, kind in KINDS.items() if kind.__module__.startswith('ubernet_jax.')}
    assert names == set(SAMPLES)
    assert all(KINDS[name] is type(kind) for name, (kind, _) in SAMPLES.items())


# Files and records.


def write(path: pathlib.Path, kind: LabelKind, label: Any) -> pathlib.Path:
    """Writes a label as a file of the folder layout."""
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


def test_read_returns_the_label_in_the_file(sample, tmp_path):
    kind, label = sample
    path = write(tmp_path / 'a', kind, label)
    assert_same_label(kind, kind.read(path, SIZE), label)
    assert_same_label(kind, kind.read(path), label)
    assert kind.check(label, SIZE) == []


def test_pack_returns_the_declared_parts_and_unpack_inverts_it(sample):
    kind, label = sample
    packed = kind.pack(label)
    assert set(packed) == set(kind.parts)
    for name, part in kind.parts.items():
        assert isinstance(part, Part)
        assert packed[name].dtype == part.dtype
        assert len(packed[name].shape) == len(part.shape)
        lengths = zip(packed[name].shape, part.shape, strict=True)
        assert all(wanted in (None, length) for length, wanted in lengths)
    rounding = 1 if isinstance(kind, labels.UnitVectors) else 0  # out of 32767
    assert_same_label(kind, kind.unpack(packed), label, atol=rounding)


def test_stored_vectors_are_accurate_to_two_thousandths_of_a_degree():
    kind, label = SAMPLES['unit_vectors']
    stored = kind.unpack(kind.pack(label))
    assert stored.dtype == np.float32
    np.testing.assert_allclose(stored, label, atol=3e-5)
    known = label.any(axis=-1)
    np.testing.assert_allclose(np.linalg.norm(stored[known], axis=-1), 1, atol=1e-6)
    assert not stored[~known].any()


def test_for_training_drops_only_annotators(sample):
    kind, label = sample
    reduced = kind.for_training(label)
    if isinstance(kind, Lines):
        assert reduced.annotators is None and label.annotators is not None
        np.testing.assert_array_equal(reduced.share, label.share)
    else:
        assert reduced is label


def test_count_returns_the_objects_that_are_not_difficult(sample):
    kind, label = sample
    assert kind.count(label) == (2 if isinstance(kind, Boxes) else None)
    assert Boxes().count(make_boxes()) == 0


# Transforms; transforms/test_transforms.py has those of single kinds.


def test_identity_transforms(sample):
    kind, label = sample
    flipped_twice = kind.flip(kind.flip(label, WIDTH), WIDTH)
    full_crop = kind.crop(label, (slice(0, HEIGHT), slice(0, WIDTH)))
    same_size = kind.resize(label, Scaling(SIZE, SIZE))
    for result in (flipped_twice, full_crop, same_size):
        assert_same_label(kind, result, label)


def test_four_quarter_rotations_are_the_identity(sample):
    kind, label = sample
    if not kind.rotates:
        assert isinstance(kind, Boxes)
        return
    rotated, size = label, SIZE
    for _ in range(4):
        rotated, size = kind.rotate(rotated, Rotation(size, 90)), size[::-1]
        assert kind.check(rotated, size) == []
    assert_same_label(kind, rotated, label)


def test_crop_and_flip_commute(sample):
    kind, label = sample
    flipped_last = kind.flip(kind.crop(label, (slice(1, 11), slice(3, 13))), 10)
    cropped_last = kind.crop(kind.flip(label, WIDTH), (slice(1, 11), slice(5, 15)))
    assert_same_label(kind, flipped_last, cropped_last)


@pytest.mark.parametrize('size', [(5, 30), (31, 7), (1, 1), (24, 36)])
def test_resize_returns_a_valid_label_of_the_size(size, sample):
    kind, label = sample
    scaled = kind.resize(label, Scaling(SIZE, size))
    assert kind.check(scaled, size) == []
    assert kind.check(label, SIZE) == []  # unchanged


def test_transforms_do_not_modify_their_input(sample):
    kind, label = sample
    before = {name: array.copy() for name, array in kind.pack(label).items()}
    kind.flip(label, WIDTH)
    kind.crop(label, (slice(0, 3), slice(2, 5)))
    kind.resize(label, Scaling(SIZE, (30, 30)))
    if kind.rotates:
        kind.rotate(label, Rotation(SIZE, 30))
    for name, array in kind.pack(label).items():
        np.testing.assert_array_equal(array, before[name])


# Checks.


def test_check_reports_a_label_of_the_wrong_size(sample):
    kind, label = sample
    (error,) = kind.check(label, (HEIGHT - 1, WIDTH))
    if isinstance(kind, Boxes):
        assert 'out of the image' in error
    else:
        assert str(label_shape(label)) in error and '(11, 18' in error


def label_shape(label: Any) -> tuple[int, ...]:
    return label.share.shape if isinstance(label, LineMap) else label.shape


@pytest.mark.parametrize('kind', [ClassMap(classes=CLASSES), ClassLines(classes=CLASSES)])
def test_check_reports_a_class_index_out_of_range(kind):
    label = np.array([[0, 3, VOID]], np.uint8)
    assert kind.check(label, (1, 3)) == []
    label[0, 0] = 4
    (error,) = kind.check(label, (1, 3))
    assert 'class index 4' in error and '0 to 3' in error and '255' in error
    assert type(kind)().check(label, (1, 3)) == []  # the classes are not known yet


# Pictures.


def test_draw_returns_an_rgb_picture(sample):
    kind, label = sample
    image = np.full((*SIZE, 3), 100, np.uint8)
    drawn = kind.draw(label, image, DEFAULT_STYLE)
    assert (drawn.shape, drawn.dtype) == ((*SIZE, 3), np.uint8)
    assert len(np.unique(drawn)) > 1
    assert (image == 100).all()


def test_legends_and_keys_explain_colours(sample):
    """Class names are in a legend or beside a box, other colours have a key; grey needs neither."""
    kind, label = sample
    indices = {'crop': 1, 'weed': 2, 'stone': 3, 'void': VOID}
    colours = {name: tuple(SAFE_PALETTE[index]) for name, index in indices.items()}
    names = {
        'class_map': ['crop', 'weed', 'stone', 'void'],
        'class_lines': ['crop', 'weed', 'stone'],
    }.get(kind.name, [])
    assert kind.legend(label) == {name: colours[name] for name in names}
    full = ['crop', 'weed', 'stone'] if names else []
    assert kind.full_legend() == {name: colours[name] for name in full}
    key = kind.key(label, 30)
    assert (key is None) == (kind.name not in ('unit_vectors', 'metres'))
    assert key is None or (key.shape[0], key.shape[2]) == (30, 4)


# Descriptions.


def test_from_json_inverts_to_json(sample):
    kind, _ = sample
    plain = json.loads(json.dumps(kind.to_json()))
    assert plain == {'kind': kind.name} | ({'classes': list(CLASSES)} if kind.has_classes else {})
    restored = from_json(plain, 'it')
    assert restored == kind and type(restored) is type(kind)
    hash(restored)  # its lists became tuples
    assert from_json({'kind': kind.name}, 'it') == type(kind)()


def test_same_as_compares_kind_and_classes():
    kinds = [kind for kind, _ in SAMPLES.values()]
    same = [[row.same_as(column) for column in kinds] for row in kinds]
    np.testing.assert_array_equal(same, np.eye(len(kinds), dtype=bool))
    for kind in (ClassMap, ClassLines, Boxes):
        assert not kind(classes=CLASSES).same_as(kind(classes=CLASSES[::-1]))
        assert not kind(classes=CLASSES).same_as(kind())


# Targets.


@pytest.mark.parametrize(
    ('name', 'shape', 'dtype', 'value'),
    [
        ('class_map', (2, 3, 4), np.uint8, VOID),
        ('soft_mask', (2, 3, 4), np.uint8, VOID),
        ('class_lines', (2, 3, 4), np.uint8, VOID),
        ('lines', (2, 3, 4), np.uint8, VOID),
        ('unit_vectors', (2, 3, 4, 3), np.int8, 0),
    ],
)
def test_empty_target(name, shape, dtype, value):
    target = SAMPLES[name][0].empty_target(2, (3, 4), np)
    assert (target.shape, target.dtype) == (shape, dtype)
    assert (target == value).all()
