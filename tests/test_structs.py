"""The structures that flow through the package: what they say of themselves."""

import numpy as np
from tiny_datasets import make_boxes

from ubernet_jax.structs import Detections, Predictions


def test_some_boxes_are_chosen_by_a_mask_or_in_an_order():
    boxes = make_boxes((0, 1, 2, 4, 5, False), (0, 0, 1, 1, 6, True), (0, 0, 9, 0.5, 7, False))
    assert boxes.areas().tolist() == [6, 1, 4.5]
    chosen = boxes[~boxes.difficult]
    assert chosen.corners.tolist() == [[0, 1, 2, 4], [0, 0, 9, 0.5]]
    assert (chosen.classes.tolist(), chosen.difficult.tolist()) == ([5, 7], [False, False])
    ordered = boxes[np.array([2, 1])]
    assert (ordered.classes.tolist(), ordered.difficult.tolist()) == ([7, 6], [False, True])
    assert (len(boxes), len(ordered), len(make_boxes())) == (3, 2, 0)


def test_predictions_as_arrays():
    parts = np.zeros((2, 3), np.uint8)
    assert Predictions().arrays() == {}
    assert Predictions(parts=parts).arrays() == {'parts': parts}
    found = Detections(
        corners=np.ones((1, 4), np.float32),
        classes=np.array([7], np.uint8),
        scores=np.array([0.5], np.float32),
    )
    arrays = Predictions(detection=found).arrays()
    assert list(arrays) == ['detection_corners', 'detection_classes', 'detection_scores']
    assert arrays['detection_corners'].shape == (1, 4)
    assert arrays['detection_classes'].dtype == np.uint8
    assert arrays['detection_scores'] == [0.5]
