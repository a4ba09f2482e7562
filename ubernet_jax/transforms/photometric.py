"""Photometric distortion of training images, as SSD has it (arXiv 1512.02325).

Brightness, contrast, saturation and hue are changed with a probability of one half each, the
contrast before or after saturation and hue, as in SSD and MMSegmentation.
"""

import numpy as np
from PIL import Image

BRIGHTNESS = 32  # largest difference, of 255
CONTRAST = SATURATION = 0.5  # largest difference of the factor from 1
HUE = 18  # largest difference, in degrees


def distort(image: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Changes the colours of an image at random.

    Args:
      image: uint8 (H, W, 3), RGB.
      strength: factor (0..1) on the largest changes; 1 has those of SSD.
      rng: random generator, from which as many numbers are drawn whatever is changed.
    """
    chosen = rng.random(4) < 0.5
    brightness, contrast, saturation, hue = strength * chosen * rng.uniform(-1, 1, 4)
    contrast_first = rng.random() < 0.5
    image = _shift(image, BRIGHTNESS * brightness)
    if contrast_first:
        image = _scale(image, 1 + CONTRAST * contrast)
    image = _change_colour(image, 1 + SATURATION * saturation, HUE * hue)
    return image if contrast_first else _scale(image, 1 + CONTRAST * contrast)


def _change_colour(image: np.ndarray, saturation: float, degrees: float) -> np.ndarray:
    """Multiplies the saturation, and turns the hue."""
    if saturation == 1 and degrees == 0:  # a conversion and back would round
        return image
    hues, saturations, values = Image.fromarray(image).convert('HSV').split()
    turned = np.asarray(hues) + np.uint8(round(degrees * 256 / 360) % 256)  # modulo 256
    scaled = _scale(np.asarray(saturations), saturation)
    bands = Image.fromarray(turned), Image.fromarray(scaled), values
    return np.asarray(Image.merge('HSV', bands).convert('RGB'))


def _shift(values: np.ndarray, difference: float) -> np.ndarray:
    return np.clip(values.astype(np.int16) + round(difference), 0, 255).astype(np.uint8)


def _scale(values: np.ndarray, factor: float) -> np.ndarray:
    table = np.rint(np.clip(np.arange(256) * factor, 0, 255)).astype(np.uint8)
    return table[values]
