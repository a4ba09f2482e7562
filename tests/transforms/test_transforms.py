"""Joint transforms of images and labels: flip, resize, crop, rotate, and the random fit."""

import math

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from helpers.examples import assert_same_example, make_boxes
from ubernet_jax.example import Example
from ubernet_jax.labels import VOID, ClassMap
from ubernet_jax.labels.boxes import BoxSet
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.transforms.joint import crop, fit, flip, resize, rotate


def make_example(height: int, width: int) -> Example:
    """Makes an image with all dense labels, whose values encode the position of each pixel."""
    rng = np.random.default_rng(height * width)
    position = np.arange(height * width).reshape(height, width)
    image = np.stack([position // 256, position % 256, rng.integers(0, 256, position.shape)], -1)
    directions = np.stack([position, position % 7 - 3, np.ones_like(position)], -1)
    labels = {
        name: (position % len(kind.classes)).astype(np.uint8)
        for name, kind in STANDARD.items()
        if isinstance(kind, ClassMap)
    }
    labels['saliency'] = (position % 256).astype(np.uint8)
    annotators = np.stack([position % 2, position % 3 == 0, position % 5 == 0])
    labels['boundaries'] = LineMap.of_annotators(annotators)
    length = np.linalg.norm(directions, axis=-1, keepdims=True)
    labels['normals'] = (directions / length).astype(np.float32)
    labels['depth'] = (1 + position).astype(np.float32)
    return Example(id='a', image=image.astype(np.uint8), labels=labels, kinds=STANDARD)


def assert_same(actual: Example, wanted: Example) -> None:
    assert_same_example(actual, wanted, STANDARD)


def labelled(name: str, label: np.ndarray) -> Example:
    """Makes an example with a single label, given as an array."""
    image = np.zeros((*label.shape[:2], 3), np.uint8)
    value = LineMap(share=label) if name == 'boundaries' else label
    return Example(id='a', image=image, labels={name: value}, kinds=STANDARD)


def array_of(example: Example, name: str) -> np.ndarray:
    """Returns a label as an array; for boundaries, the share of annotators."""
    label = example.labels[name]
    return label.share if isinstance(label, LineMap) else label


def test_a_label_that_tasks_share_is_transformed_once_for_each_kind():
    label = np.arange(40, dtype=np.uint8).reshape(5, 8) % 7
    kinds = {'first': ClassMap(), 'second': ClassMap(), 'mask': STANDARD['saliency']}
    image = np.zeros((5, 8, 3), np.uint8)
    example = Example(id='a', image=image, labels=dict.fromkeys(kinds, label), kinds=kinds)
    labels = resize(example, (10, 16)).labels
    assert labels['first'] is labels['second']
    assert set(np.unique(labels['first'])) == set(range(7))
    wanted = resize(labelled('saliency', label), (10, 16)).labels['saliency']
    np.testing.assert_array_equal(labels['mask'], wanted)


def test_flipping_twice_is_the_identity():
    example = make_example(5, 8)
    assert_same(flip(flip(example)), example)


def test_flipping_negates_the_x_of_normals():
    example = make_example(5, 8)
    flipped = flip(example)
    np.testing.assert_array_equal(flipped.image, example.image[:, ::-1])
    np.testing.assert_array_equal(flipped.labels['parts'], example.labels['parts'][:, ::-1])
    wanted = example.labels['normals'][:, ::-1] * [-1, 1, 1]
    np.testing.assert_array_equal(flipped.labels['normals'], wanted)
    assert flipped.labels['normals'][0, 0, 0] < 0 < example.labels['normals'][0, -1, 0]


def test_crop_selects_the_same_pixels_of_image_and_labels():
    example = make_example(6, 9)
    cropped = crop(example, 2, 3, (3, 4))
    np.testing.assert_array_equal(cropped.image, example.image[2:5, 3:7])
    for name in example.labels:
        np.testing.assert_array_equal(array_of(cropped, name), array_of(example, name)[2:5, 3:7])
    lines = example.labels['boundaries'].annotators
    np.testing.assert_array_equal(cropped.labels['boundaries'].annotators, lines[:, 2:5, 3:7])
    assert crop(example, 5, 7, (3, 4)).image.shape == (1, 2, 3)
    assert_same(crop(example, 0, 0, (6, 9)), example)


def test_resizing_to_the_same_size_is_the_identity():
    example = make_example(7, 5)
    assert_same(resize(example, (7, 5)), example)


@pytest.mark.parametrize('size', [(3, 20), (40, 9), (1, 1)])
def test_resize_changes_the_size_of_image_and_labels(size):
    example = make_example(12, 16)
    resized = resize(example, size)
    assert resized.image.shape == (*size, 3)
    assert set(resized.labels) == set(example.labels)
    for name, kind in STANDARD.items():
        if name == 'detection':
            continue
        label, before = array_of(resized, name), array_of(example, name)
        assert kind.check(resized.labels[name], size) == []
        assert label.shape[:2] == size
        assert label.dtype == before.dtype
        if isinstance(kind, ClassMap):
            assert set(np.unique(label)) <= set(np.unique(before))
    lines = resized.labels['boundaries'].annotators
    assert lines.shape == (3, *size) and lines.dtype == np.uint8


def test_the_scale_relates_the_image_to_the_photograph_after_all_transforms():
    resized = resize(make_example(12, 16), (6, 12))
    assert resized.scale == (0.5, 0.75)
    assert flip(crop(resize(resized, (18, 12)), 1, 2, (9, 9))).scale == (1.5, 0.75)
    fitted = fit(make_example(12, 16), (33, 33), (1, 1), False, np.random.default_rng(0))
    assert fitted.image.shape[:2] == (25, 33) and fitted.scale == (25 / 12, 33 / 16)


def test_classes_are_not_interpolated():
    label = np.array([[0, 0, 20, 20], [0, 0, 20, 20]], np.uint8)
    larger = resize(labelled('segmentation', label), (3, 6)).labels['segmentation']
    assert larger.tolist() == [[0, 0, 0, 20, 20, 20]] * 3


def test_a_soft_mask_is_interpolated():
    label = np.array([[0, 0, 255, 255]] * 2, np.uint8)
    wanted = np.array(Image.fromarray(label).resize((9, 5), Image.Resampling.BILINEAR))
    larger = resize(labelled('saliency', label), (5, 9)).labels['saliency']
    np.testing.assert_array_equal(larger, wanted)
    assert 0 < larger[2, 4] < 255


@pytest.mark.parametrize('size', [(13, 17), (5, 40), (3, 3)])
@pytest.mark.parametrize('name', ['boundaries', 'semantic_boundaries'])
def test_lines_are_kept_when_scaled_down(name, size):
    for line in (np.s_[:, 23], np.s_[31, :]):
        label = np.zeros((40, 40), np.uint8)
        label[line] = 9
        shrunk = array_of(resize(labelled(name, label), size), name)
        rows, columns = np.nonzero(shrunk)
        assert set(np.unique(shrunk)) == {0, 9}
        # Still a line from border to border, one pixel thick.
        along, across = (rows, columns) if line[1] == 23 else (columns, rows)
        assert len(set(along)) == shrunk.shape[0 if line[1] == 23 else 1]
        assert len(set(across)) == 1


@pytest.mark.parametrize('name', ['segmentation', 'parts', 'semantic_boundaries'])
def test_void_stays_void(name):
    label = np.full((8, 8), VOID, np.uint8)
    label[:, 4:] = 3
    for size in ((4, 4), (16, 16)):
        resized = resize(labelled(name, label), size).labels[name]
        half = size[1] // 2
        assert (resized[:, :half] == VOID).all() and (resized[:, half:] == 3).all()


def test_resized_normals_are_unit_or_zero():
    example = make_example(12, 16)
    normals = example.labels['normals']
    normals[:, :5] = 0
    for size in ((5, 7), (31, 29)):
        resized = resize(example, size).labels['normals']
        lengths = np.linalg.norm(resized, axis=-1)
        np.testing.assert_allclose(lengths[lengths > 0], 1, atol=1e-5)
        assert not lengths[:, 0].any() and lengths[:, -1].all()


def test_unlabelled_neighbours_do_not_change_normals():
    normals = np.zeros((1, 8, 3), np.float32)
    normals[0, 2:6] = 0.6, 0, 0.8
    shrunk = resize(labelled('normals', normals), (1, 4)).labels['normals'][0]
    wanted = [[0, 0, 0], [0.6, 0, 0.8], [0.6, 0, 0.8], [0, 0, 0]]
    np.testing.assert_allclose(shrunk, wanted, atol=1e-6)


def test_the_mean_of_opposite_normals_is_unknown():
    normals = np.array([[[0, 0, 1], [0, 0, -1]]], np.float32)
    assert not resize(labelled('normals', normals), (1, 1)).labels['normals'].any()


@pytest.mark.parametrize('shape', [(40, 60), (60, 40), (1, 1), (500, 3)])
def test_fit_at_scale_1_keeps_the_full_image(shape):
    example = make_example(*shape)
    fitted = fit(example, (33, 65), (1.0, 1.0), False, np.random.default_rng(0))
    height, width = fitted.image.shape[:2]
    assert height == 33 or width == 65
    factor = min(33 / shape[0], 65 / shape[1])
    assert (height, width) == tuple(max(1, round(side * factor)) for side in shape)
    wanted = resize(example, (height, width))
    wanted.labels['boundaries'].annotators = None  # needed only in the evaluation
    assert_same(fitted, wanted)


def test_fit_crops_at_large_scales_and_is_smaller_at_small_scales():
    example = make_example(33, 65)
    rng = np.random.default_rng(0)
    large = [fit(example, (33, 65), (2.0, 2.0), False, rng) for _ in range(20)]
    assert {fitted.image.shape for fitted in large} == {(33, 65, 3)}
    scaled = resize(example, (66, 130))
    corners = {fitted.image[0, 0].tobytes() + fitted.image[1, 1].tobytes() for fitted in large}
    assert len(corners) > 10
    pixels = {scaled.image[r, c].tobytes() for r in range(34) for c in range(66)}
    assert all(fitted.image[0, 0].tobytes() in pixels for fitted in large)
    small = fit(example, (33, 65), (0.5, 0.5), False, rng)
    assert small.image.shape == (16, 32, 3)


def test_fit_flips_half_of_the_time_and_is_determined_by_the_seed():
    example = make_example(33, 65)
    flipped = flip(example)
    flips = []
    for seed in range(40):
        fitted = fit(example, (33, 65), (1.0, 1.0), True, np.random.default_rng(seed))
        repeated = fit(example, (33, 65), (1.0, 1.0), True, np.random.default_rng(seed))
        assert_same(fitted, repeated)
        flips.append(np.array_equal(fitted.image, flipped.image))
        assert flips[-1] or np.array_equal(fitted.image, example.image)
    assert 10 < sum(flips) < 30


def with_boxes(height: int, width: int, *rows: tuple) -> Example:
    image = np.zeros((height, width, 3), np.uint8)
    return Example(id='a', image=image, labels={'detection': make_boxes(*rows)}, kinds=STANDARD)


def boxes_of(example: Example) -> BoxSet:
    boxes = example.labels['detection']
    assert (boxes.corners.dtype, boxes.classes.dtype, boxes.difficult.dtype) == (
        np.float32,
        np.uint8,
        bool,
    )
    return boxes


def test_boxes_are_flipped():
    example = with_boxes(10, 20, (0, 1, 4, 9, 3, False), (5, 0, 20, 10, 7, True))
    flipped = boxes_of(flip(example))
    assert flipped.corners.tolist() == [[16, 1, 20, 9], [0, 0, 15, 10]]
    assert (flipped.classes.tolist(), flipped.difficult.tolist()) == ([3, 7], [False, True])
    flipped_twice = boxes_of(flip(flip(example)))
    np.testing.assert_array_equal(flipped_twice.corners, boxes_of(example).corners)


def test_boxes_are_scaled_with_the_image():
    example = with_boxes(10, 20, (0, 1, 4, 9, 3, True), (5, 0, 20, 10, 7, False))
    scaled = boxes_of(resize(example, (5, 60)))
    assert scaled.corners.tolist() == [[0, 0.5, 12, 4.5], [15, 0, 60, 5]]
    assert (scaled.classes.tolist(), scaled.difficult.tolist()) == ([3, 7], [True, False])


def test_boxes_are_cropped_and_dropped_below_a_quarter_of_their_area():
    example = with_boxes(
        20,
        20,
        (4, 4, 8, 8, 1, False),  # inside
        (0, 6, 8, 10, 2, True),  # keeps its right half
        (14, 6, 22, 10, 3, False),  # keeps a quarter
        (2, 2, 6, 6, 4, False),  # keeps its lower right quarter
        (14.125, 6, 22.125, 10, 5, False),  # keeps less than a quarter
        (0, 0, 4, 20, 6, False),  # touches from outside
        (0, 0, 20, 20, 7, False),  # is larger than the crop and keeps less than a quarter
        (0, 17, 3, 20, 8, False),  # far away
    )
    cropped = crop(example, 4, 4, (8, 12))
    assert cropped.image.shape == (8, 12, 3)
    boxes = boxes_of(cropped)
    assert boxes.corners.tolist() == [[0, 0, 4, 4], [0, 2, 4, 6], [10, 2, 12, 6], [0, 0, 2, 2]]
    assert boxes.classes.tolist() == [1, 2, 3, 4]
    assert boxes.difficult.tolist() == [False, True, False, False]


def test_boxes_are_clipped_in_a_crop_that_exceeds_the_image():
    example = with_boxes(10, 10, (4, 4, 10, 10.001, 1, False))  # as after rounding
    assert boxes_of(crop(example, 6, 6, (8, 8))).corners.tolist() == [[0, 0, 4, 4]]


def test_an_image_without_boxes_stays_labelled():
    example = with_boxes(10, 10)
    for transformed in (flip(example), resize(example, (5, 5)), crop(example, 1, 1, (3, 3))):
        assert boxes_of(transformed).corners.shape == (0, 4)
    outside = crop(with_boxes(10, 10, (0, 0, 2, 2, 1, False)), 5, 5, (5, 5))
    assert boxes_of(outside).corners.shape == (0, 4)


def test_a_box_still_fits_its_object_after_a_random_fit():
    """The object is a filled rectangle."""
    rng = np.random.default_rng(0)
    followed = 0
    for _ in range(60):
        x1, y1 = rng.integers(0, (60, 40))
        x2, y2 = rng.integers((x1 + 8, y1 + 8), (90, 60))
        example = with_boxes(60, 90, (x1, y1, x2, y2, 9, False))
        example.labels['segmentation'] = np.zeros((60, 90), np.uint8)
        example.labels['segmentation'][y1:y2, x1:x2] = 9
        fitted = fit(example, (65, 65), (0.8, 2.0), True, rng)
        rows, columns = np.nonzero(fitted.labels['segmentation'])
        for box in boxes_of(fitted).corners:
            around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            np.testing.assert_allclose(box, around, atol=0.6)
            followed += 1
    assert 30 < followed < 60


@pytest.mark.parametrize('quarters', [0, 1, 2, 3, 4, 5, -1])
def test_quarter_rotations_are_exact(quarters):
    example = make_example(5, 8)
    rotated = rotate(example, 90 * quarters)
    np.testing.assert_array_equal(rotated.image, np.rot90(example.image, quarters))
    annotators = example.labels['boundaries'].annotators
    np.testing.assert_array_equal(
        rotated.labels['boundaries'].annotators, np.rot90(annotators, quarters, axes=(1, 2))
    )
    for name in example.labels:
        label = array_of(rotated, name)
        wanted = np.rot90(array_of(example, name), quarters)
        if name == 'normals':
            for _ in range(quarters % 4):
                wanted = wanted[..., [1, 0, 2]] * [-1, 1, 1]
            np.testing.assert_allclose(label, wanted, atol=1e-6)
        else:
            np.testing.assert_array_equal(label, wanted)
        assert label.dtype == array_of(example, name).dtype


def test_rotation_is_counter_clockwise():
    image = np.zeros((21, 21, 3), np.uint8)
    image[10, 17] = 255  # to the right of the centre
    bright = rotate(Example(id='a', image=image), 30).image[..., 0]
    row, column = np.unravel_index(bright.argmax(), bright.shape)
    offset = row - (bright.shape[0] - 1) / 2, column - (bright.shape[1] - 1) / 2
    np.testing.assert_allclose(offset, [-3.5, 6.06], atol=1)  # 30 degrees up, 7 pixels away


def test_normals_rotate_with_the_image():
    label = np.broadcast_to(np.float32([0.6, 0, 0.8]), (30, 40, 3)).copy()
    rotated = rotate(labelled('normals', label), 30).labels['normals']
    wanted = np.broadcast_to([0.6 * math.sqrt(3) / 2, 0.3, 0.8], rotated.shape)
    np.testing.assert_allclose(rotated, wanted, atol=1e-6)


@pytest.mark.parametrize('degrees', [0.5, 10, 22.5, 44.9, 45, 67.5, 90, 112.5, 200, 337.5])
@pytest.mark.parametrize(('height', 'width'), [(20, 20), (21, 34), (50, 18)])
def test_a_rotated_image_is_cropped_to_the_largest_rectangle_without_gaps(degrees, height, width):
    image = np.full((height, width, 3), 255, np.uint8)
    rotated = rotate(Example(id='a', image=image), degrees).image
    assert rotated.min() == 255
    sine, cosine = abs(math.sin(math.radians(degrees))), abs(math.cos(math.radians(degrees)))
    sides = np.arange(1, 52, 0.25)
    tall, wide = sides[:, None], sides[None]
    fits = (wide * cosine + tall * sine <= width) & (wide * sine + tall * cosine <= height)
    assert (rotated.shape[0] + 1) * (rotated.shape[1] + 1) >= (tall * wide)[fits].max()


@pytest.mark.parametrize('step', range(16))
def test_a_line_stays_connected_when_rotated(step):
    lines = np.zeros((60, 90), np.uint8)
    lines[20, 5:70] = lines[20:50, 30] = 255
    rotated = array_of(rotate(labelled('boundaries', lines), 22.5 * step), 'boundaries')
    assert set(np.unique(rotated)) == {0, 255}
    assert ndimage.label(rotated, np.ones((3, 3)))[1] == 1
    assert rotated.any(axis=1).sum() + rotated.any(axis=0).sum() > 40


def test_rotation_drops_boxes():
    example = labelled('parts', np.zeros((9, 9), np.uint8))
    example.labels['detection'] = make_boxes((1, 1, 5, 5, 3, False))
    assert set(rotate(example, 22.5).labels) == {'parts'}
    assert 'detection' in example.labels


def test_fit_rotates_by_each_of_the_angles_after_scaling():
    image = np.random.default_rng(0).integers(0, 256, (30, 60, 3), np.uint8)
    example = Example(id='a', image=image)
    seen = set()
    for seed in range(40):
        fitted = fit(example, (30, 60), (1, 1), False, np.random.default_rng(seed), rotations=4)
        height, width = fitted.image.shape[:2]
        assert (height, width) in ((30, 60), (30, 30))
        seen |= {
            quarters
            for quarters in range(4)
            for top in range(31 if quarters % 2 else 1)
            if np.array_equal(np.rot90(image, quarters)[top : top + 30], fitted.image)
        }
    assert seen == {0, 1, 2, 3}


def test_a_single_rotation_draws_no_random_number():
    example = make_example(20, 30)
    default_rng, rng = np.random.default_rng(3), np.random.default_rng(3)
    default = fit(example, (9, 9), (1, 2), True, default_rng)
    assert_same(fit(example, (9, 9), (1, 2), True, rng, rotations=1), default)
    assert default_rng.random() == rng.random()
