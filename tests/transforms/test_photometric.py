"""Photometric distortion: the range of the changes, and that they are those of the generator."""

import colorsys

import numpy as np
import pytest

from ubernet_jax.transforms.photometric import distort

GREY = np.full((2, 3, 3), 100, np.uint8)
COLOUR = np.full((1, 1, 3), (180, 90, 60), np.uint8)
SEEDS = range(300)


def draw(image: np.ndarray, strength: float) -> np.ndarray:
    """The first pixel after the distortion, for every seed: uint8 (n, 3)."""
    distorted = [distort(image, strength, np.random.default_rng(seed)) for seed in SEEDS]
    assert all((each.shape, each.dtype) == (image.shape, np.uint8) for each in distorted)
    return np.stack(distorted)[:, 0, 0]


@pytest.mark.parametrize('strength', [0.5, 1.0])
def test_grey_stays_grey_and_changes_by_at_most_brightness_and_contrast(strength):
    values = draw(GREY, strength)
    assert (values == values[:, :1]).all()
    low, high = ((100 + sign * 32 * strength) * (1 + sign * 0.5 * strength) for sign in (-1, 1))
    assert low - 1 <= values.min() < 100 - 45 * strength
    assert 100 + 45 * strength < values.max() <= high + 1
    assert 0.15 < (values[:, 0] == 100).mean() < 0.4  # a quarter has neither


@pytest.mark.parametrize('strength', [0.5, 1.0])
def test_hue_and_saturation_change_within_their_ranges(strength):
    hue, saturation, _ = colorsys.rgb_to_hsv(*COLOUR[0, 0] / 255)
    pixels = draw(COLOUR, strength)
    changed = np.array([colorsys.rgb_to_hsv(*pixel / 255)[:2] for pixel in pixels])
    unclipped = pixels.max(1) < 255
    degrees = (360 * (changed[unclipped, 0] - hue) + 180) % 360 - 180
    assert 0.6 * 18 * strength < np.abs(degrees).max() <= 18 * strength + 3
    factors = changed[unclipped, 1] / saturation
    # Brightness changes the saturation, too.
    assert factors.min() < 1 - 0.3 * strength and factors.max() > 1 + 0.3 * strength


def test_without_strength_nothing_changes_and_the_generator_decides_alone():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        np.testing.assert_array_equal(distort(image, 0.0, rng), image)
        other = np.random.default_rng(seed)
        first = distort(image, 1.0, other)
        np.testing.assert_array_equal(distort(image, 1.0, np.random.default_rng(seed)), first)
        assert rng.random() == other.random()  # as many numbers were drawn
