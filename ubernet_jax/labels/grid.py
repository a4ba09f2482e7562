"""The pixel grids that a label is resampled on; `transforms.grids` implements them."""

from typing import Protocol

import numpy as np
from PIL import Image

Window = tuple[slice, slice]  # rows and columns of an image, with explicit start and stop


class Grid(Protocol):
    """A pixel grid other than that of the image."""

    def sample(self, picture: np.ndarray, method: Image.Resampling) -> np.ndarray:
        """Resamples an array (H, W) on this grid."""
        ...

    def place(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Maps pixels of the image to rows and columns (2, n) of this grid, maybe outside of it."""
        ...


class ScaledGrid(Grid, Protocol):
    """The grid of an image that is scaled."""

    @property
    def factors(self) -> np.ndarray:
        """float64 (2,), the factors by which x and y are multiplied."""
        ...


class RotatedGrid(Grid, Protocol):
    """The grid of an image that is rotated."""

    @property
    def rotation(self) -> tuple[float, float]:
        """Cosine and sine of the counter-clockwise angle."""
        ...
