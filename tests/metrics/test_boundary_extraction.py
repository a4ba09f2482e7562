"""Boundaries extracted from segmentations: literal maps, void, touching instances."""

import numpy as np

from ubernet_jax.metrics.boundary_extraction import (
    find_class_boundaries,
    outline_classes,
    outline_instances,
)


def test_the_boundary_lies_inside_the_object():
    classes = np.zeros((6, 7), np.uint8)
    classes[1:5, 2:6] = 3
    np.testing.assert_array_equal(
        find_class_boundaries(classes),
        [
            [0, 0, 0, 0, 0, 0, 0],
            [0, 0, 3, 3, 3, 3, 0],
            [0, 0, 3, 0, 0, 3, 0],
            [0, 0, 3, 0, 0, 3, 0],
            [0, 0, 3, 3, 3, 3, 0],
            [0, 0, 0, 0, 0, 0, 0],
        ],
    )


def test_touching_objects_both_have_a_boundary_of_their_class():
    classes = np.array([[5, 5, 5, 9, 9, 9]], np.uint8).repeat(4, axis=0)
    np.testing.assert_array_equal(find_class_boundaries(classes), [[0, 0, 5, 9, 0, 0]] * 4)


def test_the_edge_of_the_image_is_not_a_boundary():
    assert not find_class_boundaries(np.full((5, 5), 20, np.uint8)).any()


def test_a_band_of_void_is_divided_between_its_two_sides():
    row = [0, 0, 0, 255, 255, 255, 255, 7, 7, 7]
    classes = np.array([row], np.uint8).repeat(12, axis=0)
    expected = [0, 0, 0, 0, 0, 7, 0, 0, 0, 0]
    np.testing.assert_array_equal(find_class_boundaries(classes), [expected] * 12)


def test_an_area_of_void_and_the_pixels_next_to_it_are_void():
    classes = np.zeros((40, 60), np.uint8)
    classes[10:30, 20:40] = 255
    classes[:, 40:] = 4
    middle = find_class_boundaries(classes)[20]
    assert middle[:19].tolist() == [0] * 19
    assert middle[19:41].tolist() == [255] * 22
    assert middle[41:].tolist() == [0] * 19


def test_an_image_that_is_all_void_stays_void():
    assert (find_class_boundaries(np.full((20, 20), 255, np.uint8)) == 255).all()


def test_instances_that_touch_keep_both_boundaries():
    instances = np.array([[1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0]] * 4)
    edges = outline_instances(instances, np.uint8([15, 15, 7]))
    assert edges.dtype == np.uint8
    assert edges.tolist() == [[0, 0, 15, 15, 0, 15, 7, 0, 7, 0, 0]] * 4


def test_an_outline_lies_within_the_instance_and_not_along_the_image_border():
    instances = np.array([[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]])
    edges = outline_instances(instances, np.uint8([20]))
    assert edges.tolist() == [[0, 0, 0, 0], [0, 20, 20, 20], [0, 20, 0, 0], [0, 20, 0, 0]]


def test_without_instances_there_is_no_outline():
    assert not outline_instances(np.zeros((2, 3), int), np.zeros(0, np.uint8)).any()


def test_class_outlines_are_thin_lines_without_one_between_two_instances():
    """Two persons, three and two columns wide; the second is then a bicycle."""
    segmentation = np.zeros((6, 8), np.uint8)
    segmentation[2:5, 2:7] = 15
    outlines = outline_classes(segmentation, 20)
    assert outlines.boundaries.any((1, 2)).nonzero()[0].tolist() == [14] and not outlines.instances
    np.testing.assert_array_equal(
        outlines.boundaries[14],
        [
            [0, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 1, 1, 1, 1, 0, 0],
            [0, 1, 0, 0, 0, 0, 1, 0],
            [0, 1, 0, 0, 0, 0, 1, 0],
            [0, 0, 1, 1, 1, 1, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, 0],
        ],
    )
    segmentation[2:5, 5:7] = 2
    outlines = outline_classes(segmentation, 20)
    between = np.s_[2:4, 4]  # the pixels of the line belong to both classes
    assert outlines.boundaries[14][between].all() and outlines.boundaries[1][between].all()
    np.testing.assert_array_equal(outlines.regions[1], segmentation == 2)


def test_class_outlines_cross_a_band_of_void_but_not_an_area():
    row = [0] * 3 + [255] * 4 + [7] * 13 + [255] * 20
    outlines = outline_classes(np.array([row], np.uint8).repeat(20, axis=0), 20)
    assert outlines.boundaries[6, 10].nonzero()[0].tolist() == [4]
    assert outlines.regions[6, 10].nonzero()[0].tolist() == list(range(5, 20))
