"""Non-maximum suppression of soft maps."""

import numpy as np
import pytest
from scipy import ndimage

from ubernet_jax.metrics.nms import Nms, suppress


def ridge(shape, normal_degrees: float, width: float = 2.0) -> np.ndarray:
    """Returns a soft straight line through the centre with this normal (0: along a row)."""
    y, x = np.indices(shape) - (np.array(shape) // 2)[:, None, None]
    angle = np.radians(normal_degrees)
    return np.exp(-(((x * np.cos(angle) + y * np.sin(angle)) / width) ** 2))


def test_nms_none_returns_the_map_itself():
    strength = ridge((20, 20), 30)
    assert suppress(strength, Nms.NONE) is strength


@pytest.mark.parametrize('nms', [Nms.SMOOTHED, Nms.UNSMOOTHED])
@pytest.mark.parametrize('angle', [0, 20, 45, 70, 90, 110, 135, 160])
def test_a_line_of_any_direction_becomes_thin_but_stays_connected(nms, angle):
    strength = ridge((61, 61), angle)
    inside = slice(10, 51)
    kept = suppress(strength, nms)[inside, inside] > 0.5
    assert np.all(strength[inside, inside][kept] > 0.75)  # within about a pixel of the centre line
    along = kept.any(0) if 45 <= angle <= 135 else kept.any(1)
    assert along.all()
    assert kept.sum() <= 2 * 41


def test_values_of_a_vertical_line():
    strength = np.zeros((31, 31))
    strength[:, 14:17] = [0.5, 1.0, 0.5]
    unsmoothed, smoothed = suppress(strength, Nms.UNSMOOTHED), suppress(strength, Nms.SMOOTHED)
    assert np.flatnonzero(unsmoothed[15]).tolist() == [15]
    assert unsmoothed[15, 15] == 1
    assert smoothed[15, 15] == pytest.approx(0.5 / 4 + 1 / 2 + 0.5 / 4)  # filter 1 2 1 over 4


def test_values_fade_over_five_pixels_at_the_border():
    strength = np.zeros((31, 31))
    strength[:, 15] = 1
    kept = suppress(strength, Nms.UNSMOOTHED)
    assert kept[:7, 15] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1, 1])
    assert kept[-7:, 15] == pytest.approx([1, 1, 0.8, 0.6, 0.4, 0.2, 0])


def test_the_tolerance_keeps_only_nearly_equal_neighbours():
    strength = np.zeros((31, 31))
    strength[:, 15:17] = [1, 0.995]
    assert np.flatnonzero(suppress(strength, Nms.UNSMOOTHED)[15]).tolist() == [15, 16]
    strength[:, 16] = 0.98
    assert np.flatnonzero(suppress(strength, Nms.UNSMOOTHED)[15]).tolist() == [15]


@pytest.mark.parametrize('nms', [Nms.SMOOTHED, Nms.UNSMOOTHED])
def test_rotating_and_flipping_the_map_rotates_and_flips_the_result(nms):
    strength = ndimage.gaussian_filter(np.random.default_rng(0).random((50, 60)), 2)
    kept = suppress(strength, nms)
    assert suppress(strength[::-1, ::-1], nms) == pytest.approx(kept[::-1, ::-1])
    assert suppress(strength[:, ::-1], nms) == pytest.approx(kept[:, ::-1])
    assert (kept > 0).mean() < 0.5


@pytest.mark.parametrize('shape', [(1, 1), (1, 9), (2, 2), (3, 7)])
def test_tiny_maps_consist_of_border_pixels(shape):
    kept = suppress(np.ones(shape), Nms.SMOOTHED)
    assert kept.shape == shape
    assert kept[0].max() == 0
