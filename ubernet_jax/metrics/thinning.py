"""Thin a soft boundary map: non-maximum suppression of its values, then binary thinning."""

import enum

import numpy as np
from scipy import ndimage

ORIENTATION_RADIUS = 4  # of the triangle filter under the Hessian
BORDER = 5  # pixels over which values fade to 0, because their normals are unreliable
SLACK = 1.01  # a pixel survives a neighbour that is 1 % stronger


class Nms(enum.Enum):
    """Which non-maximum suppression a soft map gets before it is scored."""

    NONE = 'none'  # the map is thin, or regions' contours
    SMOOTHED = 'smoothed'  # a 3-tap triangle filter first, as HED and RCF do
    UNSMOOTHED = 'unsmoothed'  # as the seism tool does


def suppress(strength: np.ndarray, nms: Nms) -> np.ndarray:
    """Keeps the values that are maximal along the boundary's normal, sets the others to 0.

    Args:
      strength: floating (H, W).
      nms: NONE returns `strength` itself.

    Returns:
      float64 (H, W), at most `strength`, smoothed or not.
    """
    if nms is Nms.NONE:
        return strength
    strength = np.asarray(strength, np.float64)
    if min(strength.shape) < 3:  # all border, where values fade to 0
        return np.zeros_like(strength)
    if nms is Nms.SMOOTHED:
        strength = _triangle(strength, 1)
    normal = _normal_angle(_triangle(strength, ORIENTATION_RADIUS))
    step_y, step_x = np.sin(normal), np.cos(normal)
    rows, columns = np.indices(strength.shape)
    maximal = np.ones(strength.shape, bool)
    for sign in (-1, 1):
        at = (rows + sign * step_y, columns + sign * step_x)
        maximal &= strength * SLACK >= ndimage.map_coordinates(
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
    """Direction across the boundary at each pixel, from the Hessian; radians, 0 is along a row."""
    along_y, along_x = np.gradient(smooth)
    yy = np.gradient(along_y, axis=0)
    xy, xx = np.gradient(along_x)
    return np.arctan2(yy * np.copysign(1, -xy), xx + 1e-5) % np.pi


def _fade(positions: np.ndarray) -> np.ndarray:
    distance = np.minimum(positions, positions.max() - positions)
    return np.minimum(distance / BORDER, 1)
