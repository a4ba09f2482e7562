"""Boxes: selection and checks."""

import numpy as np
import pytest

from helpers.examples import make_boxes
from ubernet_jax.labels import (
    Boxes,
)


def test_boxes_are_indexed_by_a_mask_or_an_index_array():
    boxes = make_boxes((0, 1, 2, 4, 5, False), (0, 0, 1, 1, 6, True), (0, 0, 9, 0.5, 7, False))
    assert boxes.areas().tolist() == [6, 1, 4.5]
    chosen = boxes[~boxes.difficult]
    assert chosen.corners.tolist() == [[0, 1, 2, 4], [0, 0, 9, 0.5]]
    assert (chosen.classes.tolist(), chosen.difficult.tolist()) == ([5, 7], [False, False])
    ordered = boxes[np.array([2, 1])]
    assert (ordered.classes.tolist(), ordered.difficult.tolist()) == ([7, 6], [False, True])
    assert (len(boxes), len(ordered), len(make_boxes())) == (3, 2, 0)


@pytest.mark.parametrize(
    ('row', 'error'),
    [
        ((0, 0, 18, 12, 3, False), None),
        ((-0.5, 0, 5, 5, 1, False), 'reaches out of the image'),
        ((0, 0, 18.5, 5, 1, False), 'reaches out of the image'),
        ((0, 0, 5, 12.5, 1, False), 'reaches out of the image'),
        ((3, 3, 3, 9, 1, False), 'without area'),
        ((3, 3, 9, 3, 1, False), 'without area'),
        ((9, 9, 3, 3, 1, False), 'without area'),  # negative width and height
        ((0, 0, np.nan, 5, 1, False), 'without area'),
        ((0, 0, 5, 5, 4, False), 'class 4; allowed are 1 to 3'),
        ((0, 0, 5, 5, 0, True), 'class 0; allowed are 1 to 3'),
    ],
)
def test_check_reports_an_invalid_box(row, error):
    kind = Boxes(classes=('background', 'crop', 'weed', 'stone'))
    errors = kind.check(make_boxes((1, 1, 2, 2, 1, False), row), (12, 18))
    assert len(errors) == (error is not None)
    assert not error or error in errors[0]
