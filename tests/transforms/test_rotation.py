"""Rotation of images and labels."""

import math

import numpy as np
import pytest
from scipy import ndimage

from helpers.dense_examples import array_of, assert_same, labelled, make_example
from helpers.examples import make_boxes
from ubernet_jax.example import Example
from ubernet_jax.transforms.joint import fit, rotate


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
