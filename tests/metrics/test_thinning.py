"""Thinning removes the pixels that scikit-image's `thin` removes."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import thin

from ubernet_jax.metrics.thinning import thin_lines


@pytest.mark.parametrize('blur', [0.0, 1.0, 4.0])
@pytest.mark.parametrize('size', [(1, 1), (1, 9), (2, 2), (37, 64), (121, 80)])
def test_like_scikit_image(size, blur):
    rng = np.random.default_rng(0)
    for share in (0.1, 0.5, 0.9):
        noise = ndimage.gaussian_filter(rng.random(size), blur)
        lines = noise <= np.quantile(noise, share)
        np.testing.assert_array_equal(thin_lines(lines), thin(lines))


def test_every_neighbourhood():
    for code in range(256):
        block = np.zeros((3, 3), bool)
        block[1, 1] = True
        ring = ((1, 2), (0, 2), (0, 1), (0, 0), (1, 0), (2, 0), (2, 1), (2, 2))
        for bit, at in enumerate(ring):
            block[at] = code >> bit & 1
        np.testing.assert_array_equal(thin_lines(block), thin(block), err_msg=str(code))


def test_the_argument_is_not_changed():
    lines = np.ones((9, 9), bool)
    thin_lines(lines)
    assert lines.all()


def test_an_empty_map():
    assert not thin_lines(np.zeros((5, 7), bool)).any()
