"""The ground truth that the metrics of boundaries take, from a label."""

import numpy as np
import pytest

from ubernet_jax import config as c
from ubernet_jax.example import Example
from ubernet_jax.labels import ClassMap
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.standard import VOC_CLASSES
from ubernet_jax.metrics.boundary_extraction import outline_classes
from ubernet_jax.metrics.semantic_boundaries import Mode

pytestmark = pytest.mark.slow


def test_boundaries_are_scored_against_every_annotator_if_known():
    task, share = c.Boundaries(), np.uint8([[0, 127, 128, 255]])
    example = Example(id='a', image=np.zeros((1, 4, 3), np.uint8))
    truth = task.truth(LineMap(share=share), example)
    np.testing.assert_array_equal(truth, [[False, False, True, True]])
    annotators = np.eye(4, dtype=np.uint8)[None].repeat(2, 0)
    assert task.truth(LineMap(share=share, annotators=annotators), example) is annotators


def test_class_boundaries_are_scored_with_regions_if_the_image_has_them():
    task = c.ClassBoundaries(classes=VOC_CLASSES)
    label = np.zeros((4, 4), np.uint8)
    label[1, 1] = 3
    # A class map of any name is used, but not if it is absent in the split or has other classes.
    kinds = {
        'elsewhere': ClassMap(classes=VOC_CLASSES),
        'rooms': ClassMap(classes=('a', 'b')),
        'objects': ClassMap(classes=VOC_CLASSES),
    }
    objects = np.zeros((4, 4), np.uint8)
    objects[:, :2] = 3
    labels = {'rooms': np.full((4, 4), 1, np.uint8), 'objects': objects}
    image = np.zeros((4, 4, 3), np.uint8)
    truth = task.truth(label, Example(id='a', image=image, labels=labels, kinds=kinds))
    # The outlines of the classes, whatever the task's label is.
    expected = outline_classes(objects, 20)
    np.testing.assert_array_equal(truth.boundaries, expected.boundaries)
    np.testing.assert_array_equal(truth.regions, expected.regions)
    assert truth.boundaries.sum() == truth.boundaries[2, :, 1].sum() == 4 and not truth.instances
    del labels['objects']
    truth = task.truth(label, Example(id='a', image=image, labels=labels, kinds=kinds))
    assert truth.regions is None
    assert truth.boundaries.shape == (20, 4, 4) and truth.boundaries.sum() == 1
    assert truth.boundaries[2, 1, 1]
    for present, mode in ((kinds, Mode.PRE_SEAL), ({'rooms': kinds['rooms']}, Mode.POST_SEAL)):
        assert task.metrics('edges', 3, present)['edges'].mode is mode
