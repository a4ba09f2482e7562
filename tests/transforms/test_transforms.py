"""Joint transforms of images and labels: flip, resize, crop, rotate, and the random fit."""

import numpy as np
import pytest
from PIL import Image

from helpers.dense_examples import array_of, assert_same, labelled, make_example
from ubernet_jax.example import Example
from ubernet_jax.labels import VOID, ClassMap
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.transforms.joint import crop, fit, flip, resize


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
