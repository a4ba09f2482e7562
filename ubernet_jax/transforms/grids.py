"""The pixel grids that an image and its labels are resampled on; see `labels.grid`."""

import functools
import math

import numpy as np
from PIL import Image

from ubernet_jax.transforms.interpolation import interpolate

Size = tuple[int, int]  # height, width


def resize_image(image: np.ndarray, size: Size) -> np.ndarray:
    """Scales uint8 (H, W, 3) to `size` (height, width), with antialiasing when it shrinks."""
    height, width = size
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


class Scaling:
    """The grid of an image that is scaled from one size to another; a `ScaledGrid`."""

    def __init__(self, old: Size, new: Size):
        self._old, self._new = old, new

    @property
    def factors(self) -> np.ndarray:
        """float64 (2,), the factors by which x and y are multiplied."""
        (height, width), new = self._old, self._new
        return np.array([new[1] / width, new[0] / height])

    def sample(self, picture: np.ndarray, method: Image.Resampling) -> np.ndarray:
        """Resamples an array (H, W) on the new grid."""
        if picture.dtype == np.float32 and method == Image.Resampling.BILINEAR:
            return interpolate(picture, self._new)
        height, width = self._new
        return np.asarray(Image.fromarray(picture).resize((width, height), method))

    def place(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Maps pixels of the old grid to rows and columns (2, n) of the new grid."""
        (height, width), new = self._old, self._new
        return np.stack([rows * new[0] // height, columns * new[1] // width])


class Rotation:
    """The grid of an image that is rotated counter-clockwise; a `RotatedGrid`.

    It is cropped so that no pixel lies outside of the image.

    Attributes:
      size: (height, width) of the largest upright rectangle within the rotated image.
      rotation: cosine and sine of the angle.
    """

    def __init__(self, shape: Size, degrees: float):
        radians = math.radians(degrees)
        # Rounded, so that quarter rotations have an exact 0.
        cosine, sine = round(math.cos(radians), 12), round(math.sin(radians), 12)
        self.rotation = cosine, sine
        self.size = _largest_within(shape, abs(sine), abs(cosine))
        self._centre, self._new_centre = np.array(shape) / 2, np.array(self.size) / 2
        self._back = np.array([[cosine, sine], [-sine, cosine]])  # on (row, column) offsets

    @functools.cached_property
    def _matrix(self) -> tuple[float, ...]:
        offset = self._centre - self._back @ self._new_centre
        row, column = np.column_stack([self._back, offset])
        return column[1], column[0], column[2], row[1], row[0], row[2]  # Pillow's order is x, y

    def sample(self, picture: np.ndarray, method: Image.Resampling) -> np.ndarray:
        """Resamples an array (H, W) or (H, W, 3) on the rotated grid."""
        height, width = self.size
        image, affine = Image.fromarray(picture), Image.Transform.AFFINE
        return np.asarray(image.transform((width, height), affine, self._matrix, method))

    def place(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Maps pixels of the image to rows and columns (2, n) of this grid, maybe outside of it."""
        offsets = np.stack([rows, columns]) + 0.5 - self._centre[:, None]
        return np.floor(self._back.T @ offsets + self._new_centre[:, None]).astype(int)


def _largest_within(shape: Size, sine: float, cosine: float) -> Size:
    """Returns the size of the largest upright rectangle in a rotated rectangle of `shape`."""
    height, width = shape
    if min(shape) <= 2 * sine * cosine * max(shape) or math.isclose(sine, cosine):
        half = min(shape) / 2  # two corners lie on the long sides, the others anywhere between
        sides = (half / cosine, half / sine) if width >= height else (half / sine, half / cosine)
    else:
        cosine_2x = cosine**2 - sine**2  # of twice the angle
        sides = (
            (height * cosine - width * sine) / cosine_2x,
            (width * cosine - height * sine) / cosine_2x,
        )
    return max(1, math.floor(sides[0])), max(1, math.floor(sides[1]))
