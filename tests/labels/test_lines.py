"""Lines: the annotators and their share."""

import numpy as np

from helpers.examples import assert_same_label
from ubernet_jax.labels import (
    Lines,
)
from ubernet_jax.labels.lines import LineMap


def test_lines_without_annotators_are_unpacked_without_annotators():
    label = LineMap(share=np.full((2, 3), 7, np.uint8))
    assert Lines().unpack(Lines().pack(label)).annotators is None
    assert_same_label(Lines(), Lines().unpack(Lines().pack(label)), label)


def test_the_share_of_annotators():
    """Every value except 0 is a line; the share is rounded to the nearest 255th."""
    label = LineMap.of_annotators(np.array([[[0, 1, 255]], [[0, 0, 2]], [[0, 0, 1]]]))
    assert label.share.tolist() == [[0, 85, 255]]
    assert label.annotators.tolist() == [[[0, 1, 1]], [[0, 0, 1]], [[0, 0, 1]]]
    assert label.share.dtype == label.annotators.dtype == np.uint8
