"""Other grids of pixels that an image and its labels are sampled on; see `labels.kind.Grid`."""

import functools
import math

import numpy as np
from PIL import Image

Size = tuple[int, int]  # height, width


def resize_image(image: np.ndarray, size: Size) -> np.ndarray:
    """Scales uint8 (H, W, 3) to `size` (height, width), smoothing where it shrinks."""
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR))


class Scaling:
    """The grid of an image of one size that is scaled to another."""

    def __init__(self, old: Size, new: Size):
        self._old, self._new = old, new

    @property
    def factors(self) -> np.ndarray:
        """float64 (2,), of x and y."""
        (height, width), new = self._old, self._new
        return np.array([new[1] / width, new[0] / height])

    def sample(self, picture: np.ndarray, method: Image.Resampling) -> np.ndarray:
        """A picture (H, W) on the new grid."""
        return np.asarray(Image.fromarray(picture).resize(self._new[::-1], method))

    def place(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Rows and columns of old pixels as (2, n) of the new grid."""
        (height, width), new = self._old, self._new
        return np.stack([rows * new[0] // height, columns * new[1] // width])


class Rotation:
    """The grid of an image that is rotated counter-clockwise, cropped to what has no gap.

    Attributes:
      size: (height, width) of the largest upright rectangle within the rotated image.
      rotation: cosine and sine of the angle.
    """

    def __init__(self, shape: Size, degrees: float):
        radians = math.radians(degrees)
        # Rounded: 0 of quarter rotations.
        cosine, sine = round(math.cos(radians), 12), round(math.sin(radians), 12)
        self.rotation = cosine, sine
        self.size = _largest_within(shape, abs(sine), abs(cosine))
        self._centre, self._new_centre = np.array(shape) / 2, np.array(self.size) / 2
        self._back = np.array([[cosine, sine], [-sine, cosine]])  # of (row, column) from the centre

    @functools.cached_property
    def _matrix(self) -> tuple[float, ...]:
        offset = self._centre - self._back @ self._new_centre
        row, column = np.column_stack([self._back, offset])
        return column[1], column[0], column[2], row[1], row[0], row[2]  # Pillow has x, y

    def sample(self, picture: np.ndarray, method: Image.Resampling) -> np.ndarray:
        """A picture (H, W) or (H, W, 3) on the rotated grid."""
        whole, affine = Image.fromarray(picture), Image.Transform.AFFINE
        return np.asarray(whole.transform(self.size[::-1], affine, self._matrix, method))

    def place(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Rows and columns of pixels as (2, n) of the rotated grid, maybe outside of it."""
        offsets = np.stack([rows, columns]) + 0.5 - self._centre[:, None]
        return np.floor(self._back.T @ offsets + self._new_centre[:, None]).astype(int)


def _largest_within(shape: Size, sine: float, cosine: float) -> Size:
    """(height, width) of the largest upright rectangle in one of `shape` that is rotated."""
    height, width = shape
    if min(shape) <= 2 * sine * cosine * max(shape) or math.isclose(sine, cosine):
        half = min(shape) / 2  # two corners lie on the long sides, the others anywhere between
        sides = (half / cosine, half / sine) if width >= height else (half / sine, half / cosine)
    else:
        double = cosine**2 - sine**2
        sides = (
            (height * cosine - width * sine) / double,
            (width * cosine - height * sine) / double,
        )
    return tuple(max(1, math.floor(side)) for side in sides)
