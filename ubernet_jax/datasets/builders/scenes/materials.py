"""Materials of surfaces: two colours, mixed by a function of the position."""

import colorsys
import dataclasses
from collections.abc import Callable

import numpy as np

# Directions of the sines in `mottle`: different from each other and from the axes.
_MOTTLE = np.array([[0.6, 0.3, 0.7], [-0.5, 0.8, 0.4], [0.8, -0.2, -0.55], [0.1, 0.9, -1.4]])


def plain(points: np.ndarray) -> np.ndarray:
    """The first colour everywhere."""
    return np.zeros(points.shape[1])


def stripes(points: np.ndarray) -> np.ndarray:
    """Bands across x, one of each colour per unit."""
    return _soften(np.sin(2 * np.pi * points[0]))


def hoops(points: np.ndarray) -> np.ndarray:
    """Bands across y, one of each colour per unit."""
    return _soften(np.sin(2 * np.pi * points[1]))


def panes(points: np.ndarray) -> np.ndarray:
    """Thin bars of the second colour across x, one per unit."""
    return _soften(np.sin(2 * np.pi * points[0]) - 0.8)


def checks(points: np.ndarray) -> np.ndarray:
    """Chequered cubes with sides of half a unit; one is centred on the origin."""
    x, y, z = np.cos(2 * np.pi * points)
    return _soften(x * y * z)


def dots(points: np.ndarray) -> np.ndarray:
    """Balls of the second colour at the corners of a unit lattice."""
    return _soften(np.cos(2 * np.pi * points).sum(axis=0) - 1.6)


def mottle(points: np.ndarray) -> np.ndarray:
    """Smooth clouds: a sum of sines in four directions."""
    return 0.5 + 0.125 * np.sin(2 * np.pi * _MOTTLE @ points).sum(axis=0)


def grain(points: np.ndarray) -> np.ndarray:
    """Wood grain: wavy lines along x, two per unit."""
    x, y, z = points
    return 0.5 + 0.5 * np.sin(4 * np.pi * (y + z) + 1.5 * np.sin(0.6 * np.pi * x))


def _soften(wave: np.ndarray) -> np.ndarray:
    return np.clip(0.5 + 3 * wave, 0, 1)  # an edge a twentieth of a wavelength wide, not a step


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """The appearance of a surface.

    Attributes:
      colour: RGB, 0..1.
      second: the colour that `pattern` mixes in, RGB, 0..1.
      pattern: points (3, n) in wavelengths -> share of the second colour, (n,), 0..1.
      wavelength: the pattern's unit, in scene units.
      gloss: strength of the highlight, 0..1.
    """

    colour: tuple[float, float, float]
    second: tuple[float, float, float] = (0.0, 0.0, 0.0)
    pattern: Callable[[np.ndarray], np.ndarray] = plain
    wavelength: float = 1.0
    gloss: float = 0.0

    def paint(self, points: np.ndarray) -> np.ndarray:
        """Returns RGB, float (3, n) in 0..1, at points (3, n) in the axes of the solid."""
        share = self.pattern(points / self.wavelength)
        first, second = np.array([self.colour, self.second])[..., None]
        return first + share * (second - first)


def hsv(hue: float, saturation: float, value: float) -> tuple[float, float, float]:
    """Converts hue (any real, taken modulo 1), saturation and value, 0..1, to RGB."""
    return colorsys.hsv_to_rgb(hue % 1, saturation, value)
