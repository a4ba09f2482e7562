"""Lines between regions."""

import numpy as np
import pytest

from ubernet_jax.visualize.outlines import find_outlines


@pytest.mark.parametrize(('side', 'width'), [(20, 1), (450, 2), (1500, 5)])
def test_regions_are_separated_by_a_line_that_grows_with_the_picture(side, width):
    classes = np.zeros((side, side), np.uint8)
    classes[:, side // 2 :] = 3
    (columns,) = np.nonzero(find_outlines(classes)[side // 2])
    assert len(columns) == width and side // 2 - width <= columns.min() <= side // 2


def test_a_single_region_has_no_line():
    assert not find_outlines(np.full((1, 7), 5, np.uint8)).any()
