"""Class colours can be told apart by viewers without red or green cones."""

import numpy as np
import pytest

from benchmarks.palette import VISION, distances, simulate
from ubernet_jax.visualize.palette import SAFE_PALETTE, VOC_PALETTE


def test_confused_colours_are_seen_alike():
    """Red and green of this lightness are hardly different without green cones; greys stay."""
    red_and_green = np.array([[163, 70, 0], [106, 106, 0]], np.uint8)
    assert distances(red_and_green, 'deuteranopia') < 5
    assert distances(red_and_green, 'trichromacy') > 30
    greys = np.array([[0] * 3, [100] * 3, [255] * 3], np.uint8)
    for vision in VISION:
        np.testing.assert_allclose(simulate(greys, vision), greys / 255, atol=1e-3)


@pytest.mark.parametrize('vision', VISION)
@pytest.mark.parametrize(('count', 'smallest'), [(8, 21), (12, 13), (20, 9.9)])
def test_the_safe_colours_keep_their_distance(vision, count, smallest):
    assert distances(SAFE_PALETTE[1 : 1 + count], vision).min() >= smallest


def test_the_colours_of_voc_do_not():
    assert distances(VOC_PALETTE[1:21], 'deuteranopia').min() < 2


def test_no_colour_occurs_twice_among_96_classes():
    assert len({tuple(colour) for colour in SAFE_PALETTE[:97].tolist()}) == 97
