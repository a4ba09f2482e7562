"""Soft masks: uint8 (H, W), 0..255, the degree to which each pixel belongs to the mask."""

import dataclasses
import pathlib
from typing import ClassVar

import numpy as np
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.labels.grid import Grid
from ubernet_jax.labels.maps import MapKind, histogram
from ubernet_jax.labels.reading import is_array, read_array, read_grey, require_size
from ubernet_jax.labels.registry import register
from ubernet_jax.labels.review import Review, Survey
from ubernet_jax.visualize.drawing import in_bands, to_bytes
from ubernet_jax.visualize.style import Style


@register
@dataclasses.dataclass(frozen=True, kw_only=True)
class SoftMask(MapKind):
    """A degree for every pixel; no pixel is unlabelled."""

    name: ClassVar[str] = 'soft_mask'

    def read(
        self, path: pathlib.Path, size: tuple[int, int] | None = None, key: str = ''
    ) -> np.ndarray:
        """Reads a grey picture, or an array of bytes 0..255 or floats 0..1.

        Raises as `LabelKind.read`.
        """
        label = to_bytes(read_strengths(path, key or 'saliency'))
        require_size(path, label, size)
        return label

    def resample(self, label: np.ndarray, grid: Grid) -> np.ndarray:
        return grid.sample(label, Image.Resampling.BILINEAR)

    def survey(self, label: np.ndarray) -> Survey:
        return {'histogram': histogram(label)}

    def review(self, total: Survey) -> Review:
        return review_strengths(total['histogram'])

    def draw(self, label: np.ndarray, image: np.ndarray | None, style: Style) -> np.ndarray:
        """Draws the mask light on dark; also draws probabilities, float (H, W), 0..1."""
        return in_bands(lambda rows: to_bytes(rows)[..., np.newaxis], label)


def read_strengths(path: pathlib.Path, key: str) -> np.ndarray:
    """Reads strengths (H, W): uint8, 0..255, or float, 0..1. Raises as `LabelKind.read`."""
    return check_strengths(path, read_array(path, key)) if is_array(path) else read_grey(path)


def check_strengths(path: pathlib.Path, array: np.ndarray) -> np.ndarray:
    """Converts an array to strengths as in `read_strengths`; raises a UserError if it cannot."""
    if array.ndim != 2 or array.size == 0:
        raise UserError(
            f'{path}: got an array {array.shape}; a soft mask or boundary map must be (H, W)'
        )
    if array.dtype == bool:
        return np.where(array, np.uint8(255), np.uint8(0))
    if array.dtype == np.uint8:
        return array
    low, high = array.min(), array.max()
    if array.dtype.kind != 'f' or not (low >= 0 and high <= 1):  # also of NaN
        raise UserError(
            f'{path}: got {array.dtype} from {low:g} to {high:g}; a soft mask or boundary map must '
            'be bool, uint8 (0 to 255) or float (0 to 1)'
        )
    return array


def review_strengths(counts: list[int]) -> Review:
    """Reviews the histogram of the strengths of a whole dataset."""
    present = [value for value, count in enumerate(counts) if count]
    errors, notes = [], []
    if present and present[-1] == 1:
        errors.append(
            'no value is above 1, but the range is 0 to 255, so nothing is marked: multiply the '
            'values by 255'
        )
    elif not any(counts[128:]):
        notes.append('no pixel is above 127, so nothing is marked')
    return Review(
        errors=tuple(errors),
        notes=tuple(notes),
        values=f'{present[0]}-{present[-1]}' if present else '',
    )
