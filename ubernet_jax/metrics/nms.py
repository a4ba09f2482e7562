"""Non-maximum suppression of soft boundary maps."""

import enum

import numpy as np
from scipy import ndimage

ORIENTATION_RADIUS = 4  # of the triangle filter that is applied before the Hessian is computed
BORDER = 5  # values fade to 0 over so many border pixels, because their normals are unreliable
TOLERANCE = 1.01  # a pixel is not suppressed by a neighbour that is up to 1 % stronger


class Nms(enum.Enum):
    """The non-maximum suppression applied to a soft map before it is scored."""

    NONE = 'none'  # for maps that are thin, or contours of regions
    SMOOTHED = 'smoothed'  # after a 3-tap triangle filter, as HED and RCF do
    UNSMOOTHED = 'unsmoothed'  # as the seism tool does


def suppress(strength: np.ndarray, nms: Nms) -> np.ndarray:
    """Keeps the values that are maximal along the normal of the boundary and sets the others to 0.

    Args:
      strength: floating (H, W).
      nms: the kind of suppression; NONE returns `strength` itself.

    Returns:
      float64 (H, W), at most `strength` (smoothed for `Nms.SMOOTHED`).
    """
    if nms is Nms.NONE:
        return strength
    strength = np.asarray(strength, np.float64)
    if min(strength.shape) < 3:  # consists of border pixels only, whose values are 0
        return np.zeros_like(strength)
    if nms is Nms.SMOOTHED:
        strength = _triangle(strength, 1)
    normal = _normal_angle(_triangle(strength, ORIENTATION_RADIUS))
    step_y, step_x = np.sin(normal), np.cos(normal)
    pixels = np.indices(strength.shape)
    rows, columns = pixels[0], pixels[1]
    maximal = np.ones(strength.shape, bool)
    for sign in (-1, 1):
        at = (rows + sign * step_y, columns + sign * step_x)
        maximal &= strength * TOLERANCE >= ndimage.map_coordinates(
            strength, at, order=1, mode='nearest'
        )
    return strength * maximal * _fade(rows) * _fade(columns)


def _triangle(values: np.ndarray, radius: int) -> np.ndarray:
    ramp = np.arange(1, radius + 2)
    kernel = np.concatenate([ramp, ramp[-2::-1]]) / (radius + 1) ** 2
    for axis in (0, 1):
        values = ndimage.correlate1d(values, kernel, axis, mode='reflect')
    return values


def _normal_angle(smooth: np.ndarray) -> np.ndarray:
    """Returns the normal direction at each pixel, from the Hessian; radians, 0 is along a row."""
    along_y, along_x = np.gradient(smooth)
    yy = np.gradient(along_y, axis=0)
    xy, xx = np.gradient(along_x)
    return np.arctan2(yy * np.copysign(1, -xy), xx + 1e-5) % np.pi


def _fade(positions: np.ndarray) -> np.ndarray:
    distance = np.minimum(positions, positions.max() - positions)
    return np.minimum(distance / BORDER, 1)
