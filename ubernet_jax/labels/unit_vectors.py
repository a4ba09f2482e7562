"""Unit vectors: float32 (H, W, 3), such as surface normals; 0, 0, 0 where unknown.

x points right, y up, z towards the camera. Every component is usually contiguous in memory, because
numpy and Pillow are slow with components that lie side by side.
"""

import dataclasses
import pathlib
from collections.abc import Iterable, Mapping
from typing import ClassVar

import numpy as np
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.labels.grid import Grid, RotatedGrid
from ubernet_jax.labels.maps import MapKind
from ubernet_jax.labels.reading import is_array, read_array, read_picture, require_size
from ubernet_jax.labels.registry import register
from ubernet_jax.labels.review import Review, Survey
from ubernet_jax.metrics.normals import COMPONENT_LIMIT
from ubernet_jax.visualize.drawing import in_bands
from ubernet_jax.visualize.normal_sphere import draw_directions, draw_normal_key
from ubernet_jax.visualize.style import Style

MIN_LENGTH = 0.1  # shorter vectors have no reliable direction
FOCAL_LENGTH = 0.85  # of the Kinect, in image widths; between those of full and cropped frames
MOST_AWAY = 0.5  # maximum share of normals that may point away from the camera
_LENGTH_TOLERANCE = 0.02  # median difference from 1 of the lengths of unit vectors
_LEAST_BYTE = 16  # arrays up to this value may be vectors of any length
_STEP = 4  # pixels between the rows and columns that are sampled for this share


@register
@dataclasses.dataclass(frozen=True, kw_only=True)
class UnitVectors(MapKind):
    """A direction for every pixel."""

    name: ClassVar[str] = 'unit_vectors'
    suffixes: ClassVar[tuple[str, ...]] = ('.png', '.npy')
    dtype: ClassVar[type[np.generic]] = np.float32
    vector: ClassVar[tuple[int, ...]] = (3,)
    stored: ClassVar[type[np.generic]] = np.int16
    target: ClassVar[type[np.generic]] = np.int8
    unknown: ClassVar[int] = 0
    mirror_signs: ClassVar[tuple[float, ...]] = (-1, 1, 1)

    def read(
        self, path: pathlib.Path, size: tuple[int, int] | None = None, key: str = ''
    ) -> np.ndarray:
        """As `read_vectors`, normalised to unit length; vectors that are too short are unknown."""
        vectors = read_vectors(path, key or 'normals')
        require_size(path, vectors, size)
        return to_unit_length(vectors)

    def pack(self, label: np.ndarray) -> dict[str, np.ndarray]:
        return {'map': to_integers(label)}

    def unpack(self, parts: Mapping[str, np.ndarray]) -> np.ndarray:
        planes = np.ascontiguousarray(np.moveaxis(parts['map'], -1, 0), np.float32)
        length = _length(planes)
        planes /= np.where(length > 0, length, 1)
        return np.moveaxis(planes, 0, -1)

    def flip(self, label: np.ndarray, width: int) -> np.ndarray:
        """Flips left to right; x changes its sign."""
        return label[:, ::-1] * np.array(self.mirror_signs, label.dtype)

    def rotate(self, label: np.ndarray, grid: RotatedGrid) -> np.ndarray:
        """Rotates the vectors with the image."""
        label, (cosine, sine) = self.resample(label, grid), grid.rotation
        x, y, z = np.moveaxis(label, -1, 0)
        planes = np.array([cosine * x - sine * y, sine * x + cosine * y, z], label.dtype)
        return np.moveaxis(planes, 0, -1)

    def resample(self, label: np.ndarray, grid: Grid) -> np.ndarray:
        """Interpolates linearly and normalises; zero where most of the weight is unlabelled."""
        method = Image.Resampling.BILINEAR
        planes = [
            grid.sample(np.ascontiguousarray(label[..., axis], np.float32), method)
            for axis in range(3)
        ]
        length = _length(planes)
        labelled = length > 1e-3  # opposite neighbours cancel out: their mean has no direction
        known = (label[..., 0] != 0) | (label[..., 1] != 0) | (label[..., 2] != 0)
        if not known.all():
            labelled &= grid.sample(np.where(known, np.uint8(255), np.uint8(0)), method) > 128
        factor = labelled / np.maximum(length, np.float32(1e-3))
        result = np.empty((3, *length.shape), np.float32)
        for axis, plane in enumerate(planes):
            np.multiply(plane, factor, out=result[axis])
        return np.moveaxis(result, 0, -1)

    def survey(self, label: np.ndarray) -> Survey:
        samples = label[::_STEP, ::_STEP]
        rays = viewing_rays(*label.shape[:2])[::_STEP, ::_STEP]
        away = np.count_nonzero((samples * rays).sum(axis=-1) > 0)
        pixels = label.shape[0] * label.shape[1]
        unknown = pixels - np.count_nonzero(label.any(axis=-1))
        known_samples = np.count_nonzero(samples.any(axis=-1))
        return {
            'pixels': [pixels],
            'unknown': [int(unknown)],
            'seen': [int(known_samples)],
            'away': [int(away)],
        }

    def review(self, total: Survey) -> Review:
        (pixels,), (unknown,), (seen,), (away,) = (
            total[name] for name in ('pixels', 'unknown', 'seen', 'away')
        )
        errors, notes = [], []
        if seen and away > MOST_AWAY * seen:
            errors.append(
                f'{away / seen:.0%} of the vectors point away from the camera, which is '
                'impossible for visible surfaces: x must point right, y up and z towards the '
                'camera; change the signs or the order of the components'
            )
        if unknown == pixels:
            notes.append('no pixel has a vector')
        return Review(errors=tuple(errors), notes=tuple(notes), void=unknown / max(1, pixels))

    def draw(self, label: np.ndarray, image: np.ndarray | None, style: Style) -> np.ndarray:
        """Draws the components as red, green and blue; grey where unknown."""
        return in_bands(draw_directions, label)

    def key(self, label: np.ndarray, side: int) -> np.ndarray:
        """Draws a ball with the colour of the normal at each point, and directions in words."""
        return draw_normal_key(side)


def read_vectors(path: pathlib.Path, key: str) -> np.ndarray:
    """Reads vectors of any length, float (H, W, 3), 0, 0, 0 where unknown.

    The file is an 8-bit RGB picture, n = rgb / 127.5 - 1, where 0, 0, 0 and the middle grey mean
    unknown, or an array of floats, where values that are not finite mean unknown. Raises as
    `LabelKind.read`.
    """
    if is_array(path):
        vectors = read_array(path, key)
        if vectors.ndim != 3 or vectors.shape[-1] != 3 or vectors.dtype.kind != 'f':
            raise UserError(
                f'{path}: got {vectors.dtype} {vectors.shape}; unit vectors must be floats '
                '(H, W, 3), or an 8-bit RGB picture of (n + 1) * 127.5'
            )
        known = np.asarray(np.isfinite(vectors).all(axis=-1, keepdims=True))
        _refuse_colours(path, vectors[known[..., 0]])
    else:
        rgb = read_picture(path, {'RGB'}, exact=False)
        vectors = rgb / 127.5 - 1
        known = rgb.any(axis=-1, keepdims=True) & (_lengths(vectors) > MIN_LENGTH)
    return np.where(known, vectors, 0)


def _refuse_colours(path: pathlib.Path, vectors: np.ndarray) -> None:
    """Raises a UserError if an array (n, 3) holds encoded colours, 0..1 or 0..255, not vectors.

    Colours are never negative. Vectors to the right, above and towards the camera are not either,
    but they have the length 1, or at least lengths that do not look like bytes.
    """
    vectors = vectors[vectors.any(axis=-1)]
    if not vectors.size or vectors.min() < 0:
        return
    highest = vectors.max()
    typical = np.median(np.abs(np.linalg.norm(vectors, axis=-1) - 1))
    if highest <= COMPONENT_LIMIT and typical > _LENGTH_TOLERANCE:
        scale, convert = '0 to 1', 'n = 2 * v - 1'
    elif _LEAST_BYTE < highest <= 255:
        scale, convert = '0 to 255', 'n = v / 127.5 - 1'
    else:
        return
    raise UserError(
        f'{path}: all values are from {vectors.min():g} to {highest:g}, like colours of {scale}, '
        f'but an array must hold the vectors, with components from -1 to 1: convert them with '
        f'{convert}, and write NaN where the vector is unknown'
    )


def to_unit_length(vectors: np.ndarray) -> np.ndarray:
    """Normalises float (H, W, 3) to float32 unit vectors; zero where unknown or not finite."""
    length = _lengths(vectors)
    known = np.isfinite(length) & (length > MIN_LENGTH)
    return np.where(known, vectors / np.where(known, length, 1), 0).astype(np.float32)


def to_integers(vectors: np.ndarray, dtype: type[np.signedinteger] = np.int16) -> np.ndarray:
    """Scales unit vectors to integers, of which 1 becomes the largest.

    The direction changes by less than 0.002 degrees in int16 and 0.4 degrees in int8.
    """
    result, largest = np.empty(vectors.shape, dtype), np.float32(np.iinfo(dtype).max)
    for axis in range(3):
        result[..., axis] = np.rint(vectors[..., axis] * largest)
    return result


def viewing_rays(height: int, width: int) -> np.ndarray:
    """Returns the rays from the camera to each pixel, float64 (H, W, 3).

    x points right, y up and z towards the camera.
    """
    focal_length = FOCAL_LENGTH * width
    right = (np.arange(width) - (width - 1) / 2) / focal_length
    up = ((height - 1) / 2 - np.arange(height)) / focal_length
    return np.stack(np.broadcast_arrays(right, up[:, None], -1.0), axis=-1)


def _length(planes: Iterable[np.ndarray]) -> np.ndarray:
    """Returns the lengths (H, W) of vectors, given their three components (H, W)."""
    x, y, z = planes
    squares = x * x
    squares += y * y
    squares += z * z
    return np.sqrt(squares, out=squares)


def _lengths(vectors: np.ndarray) -> np.ndarray:
    """Returns the lengths (H, W, 1) of vectors (H, W, 3)."""
    return np.linalg.norm(vectors, axis=-1, keepdims=True)
