"""Boxes in the joint transforms."""

import numpy as np

from helpers.examples import make_boxes
from ubernet_jax.example import Example
from ubernet_jax.labels.boxes import BoxSet
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.transforms.joint import crop, fit, flip, resize


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
