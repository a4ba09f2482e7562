"""Soft masks: uint8 (H, W), 0..255, how much each pixel belongs to what is marked."""

import dataclasses
import pathlib
from typing import ClassVar

import numpy as np
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.labels.kind import Grid, Review, Survey, register
from ubernet_jax.labels.maps import MapKind, histogram
from ubernet_jax.labels.reading import ARRAYS, read_array, read_grey, require_size
from ubernet_jax.visualize.drawing import in_bands, to_bytes
from ubernet_jax.visualize.style import Style


@register
@dataclasses.dataclass(frozen=True, kw_only=True)
class SoftMask(MapKind):
    """A degree for every pixel; there is none without a label."""

    name: ClassVar[str] = 'soft_mask'

    def read(
        self, path: pathlib.Path, size: tuple[int, int] | None = None, key: str = ''
    ) -> np.ndarray:
        """A grey picture, or an array of bytes 0..255 or floats 0..1. Raises as `LabelKind.read`."""
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
        """Light on dark; also of probabilities, float (H, W), 0..1."""
        return in_bands(lambda rows: to_bytes(rows)[..., np.newaxis], label)


def read_strengths(path: pathlib.Path, key: str) -> np.ndarray:
    """A map (H, W) of strengths: uint8, 0..255, or float, 0..1. Raises as `LabelKind.read`."""
    if path.suffix not in ARRAYS:
        return read_grey(path)
    label = read_array(path, key)
    if label.ndim != 2:
        raise UserError(f'{path}: got an array {label.shape}; a map of strengths is (H, W)')
    if label.dtype == bool:
        return np.where(label, np.uint8(255), np.uint8(0))
    if label.dtype == np.uint8:
        return label
    if label.dtype.kind != 'f' or not (label.min(initial=0) >= 0 and label.max(initial=0) <= 1):
        raise UserError(
            f'{path}: got {label.dtype} from {label.min():g} to {label.max():g}; a map of '
            'strengths is bool, uint8 (0 to 255) or float (0 to 1)'
        )
    return label


def review_strengths(counts: list[int]) -> Review:
    """What a histogram of strengths over a set says."""
    found = [value for value, count in enumerate(counts) if count]
    faults, notes = [], []
    if found and found[-1] == 1:
        faults.append(
            'no value is above 1, where 0 to 255 is meant, so that nothing is marked: multiply '
            'the labels by 255'
        )
    elif not any(counts[128:]):
        notes.append('no pixel is above 127: nothing counts as marked')
    return Review(
        faults=tuple(faults),
        notes=tuple(notes),
        values=f'{found[0]}-{found[-1]}' if found else '',
    )
