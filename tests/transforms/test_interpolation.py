"""Tests the interpolation of floats against Pillow's."""

import numpy as np
import pytest
from PIL import Image

from ubernet_jax.transforms.interpolation import interpolate


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ((48, 64), (65, 87)),
        ((65, 87), (11, 15)),
        ((5, 7), (3, 20)),
        ((1, 1), (4, 1)),
        ((9, 8),) * 2,
    ],
)
def test_floats_are_interpolated_as_pillow_does(old, new):
    picture = np.random.default_rng(0).normal(size=old).astype(np.float32)
    result = interpolate(picture, new)
    assert result.dtype == np.float32 and result.flags.c_contiguous
    height, width = new
    expected = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(result, np.asarray(expected), atol=1e-6)
