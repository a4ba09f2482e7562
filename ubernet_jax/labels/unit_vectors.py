"""Unit vectors: float32 (H, W, 3), such as surface normals; all zero where unknown.

x points right, y up, z towards the camera.
"""

import dataclasses
import pathlib
from typing import ClassVar

import numpy as np
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.labels.kind import Grid, Review, Survey, register
from ubernet_jax.labels.maps import MapKind
from ubernet_jax.labels.reading import is_array, read_array, read_picture, require_size
from ubernet_jax.visualize.drawing import in_bands
from ubernet_jax.visualize.normal_sphere import draw_ball, draw_directions
from ubernet_jax.visualize.style import Style

SCALE = 32767  # of vectors as int16, in records and in batches: steps of 0.002 degrees
MIN_LENGTH = 0.1  # vectors shorter than this have no direction worth the name
FOCAL_LENGTH = 0.85  # of the Kinect, in image widths; between those of the whole and of cut frames
MOST_AWAY = 0.5  # share of normals that may point away from the camera
_STEP = 4  # pixels, of rows and columns that are looked at for that


@register
@dataclasses.dataclass(frozen=True, kw_only=True)
class UnitVectors(MapKind):
    """A direction for every pixel."""

    name: ClassVar[str] = 'unit_vectors'
    suffixes: ClassVar[tuple[str, ...]] = ('.png', '.npy')
    dtype: ClassVar[type[np.generic]] = np.float32
    vector: ClassVar[tuple[int, ...]] = (3,)
    stored: ClassVar[type[np.generic]] = np.int16
    target: ClassVar[type[np.generic]] = np.int16
    unknown: ClassVar[int] = 0

    def read(
        self, path: pathlib.Path, size: tuple[int, int] | None = None, key: str = ''
    ) -> np.ndarray:
        """As `read_vectors`, of unit length; too short ones are unknown, too."""
        vectors = read_vectors(path, key or 'normals')
        require_size(path, vectors, size)
        return to_unit_length(vectors)

    def pack(self, label: np.ndarray) -> dict[str, np.ndarray]:
        return {'map': to_integers(label)}

    def unpack(self, parts: dict[str, np.ndarray]) -> np.ndarray:
        return _normalise(parts['map'].astype(np.float32))

    def flip(self, label: np.ndarray, width: int) -> np.ndarray:
        """Left to right; x changes its sign."""
        return label[:, ::-1] * np.array([-1, 1, 1], label.dtype)

    def rotate(self, label: np.ndarray, grid: Grid) -> np.ndarray:
        """The vectors rotate with the image."""
        label, (cosine, sine) = self.resample(label, grid), grid.rotation
        x, y, z = np.moveaxis(label, -1, 0)
        return np.stack([cosine * x - sine * y, sine * x + cosine * y, z], -1).astype(label.dtype)

    def resample(self, label: np.ndarray, grid: Grid) -> np.ndarray:
        """Bilinear between labelled pixels, of unit length again; zero where most are not."""

        def interpolate(channel: np.ndarray) -> np.ndarray:
            contiguous = np.ascontiguousarray(channel, np.float32)
            return grid.sample(contiguous, Image.Resampling.BILINEAR)

        labelled = interpolate((label != 0).any(-1)) > 0.5
        vectors = np.stack([interpolate(label[..., axis]) for axis in range(3)], -1)
        length = np.linalg.norm(vectors, axis=-1)
        # Opposite neighbours cancel out; such a mean has no direction.
        labelled &= length > 1e-3
        return np.where(labelled[..., None], vectors / np.maximum(length, 1e-3)[..., None], 0)

    def survey(self, label: np.ndarray) -> Survey:
        seen = label[::_STEP, ::_STEP]
        rays = viewing_rays(*label.shape[:2])[::_STEP, ::_STEP]
        away = np.count_nonzero((seen * rays).sum(axis=-1) > 0)
        pixels = label.shape[0] * label.shape[1]
        unknown = pixels - np.count_nonzero(label.any(axis=-1))
        known_seen = np.count_nonzero(seen.any(axis=-1))
        return {
            'pixels': [pixels],
            'unknown': [int(unknown)],
            'seen': [int(known_seen)],
            'away': [int(away)],
        }

    def review(self, total: Survey) -> Review:
        (pixels,), (unknown,), (seen,), (away,) = (
            total[name] for name in ('pixels', 'unknown', 'seen', 'away')
        )
        errors, notes = [], []
        if seen and away > MOST_AWAY * seen:
            errors.append(
                f'{away / seen:.0%} of the vectors point away from the camera, as no visible '
                'surface does: x points right, y up, z towards the camera; change the signs, or '
                'the order of the components'
            )
        if unknown == pixels:
            notes.append('no pixel has a vector')
        return Review(errors=tuple(errors), notes=tuple(notes), void=unknown / max(1, pixels))

    def draw(self, label: np.ndarray, image: np.ndarray | None, style: Style) -> np.ndarray:
        """Components as red, green and blue; grey where unknown."""
        return in_bands(draw_directions, label)

    def key(self, label: np.ndarray, side: int) -> np.ndarray:
        """A ball, each point in the colour of where it faces."""
        return draw_ball(side)


def read_vectors(path: pathlib.Path, key: str) -> np.ndarray:
    """Float (H, W, 3), of any length, 0, 0, 0 where unknown; raises as `LabelKind.read`.

    An 8-bit RGB picture, n = rgb / 127.5 - 1, in which 0, 0, 0 and the middle grey mean unknown; or
    an array of floats, in which what is not finite does.
    """
    if is_array(path):
        vectors = read_array(path, key)
        if vectors.ndim != 3 or vectors.shape[-1] != 3 or vectors.dtype.kind != 'f':
            raise UserError(
                f'{path}: got {vectors.dtype} {vectors.shape}; unit vectors are floats (H, W, 3), '
                'of 8 bits rgb / 127.5 - 1'
            )
        known = np.isfinite(vectors).all(axis=-1)
    else:
        rgb = read_picture(path, {'RGB'}, exact=False)
        vectors = rgb / 127.5 - 1
        known = rgb.any(axis=-1) & (np.linalg.norm(vectors, axis=-1) > MIN_LENGTH)
    return np.where(known[..., np.newaxis], vectors, 0)


def to_unit_length(vectors: np.ndarray) -> np.ndarray:
    """Float (H, W, 3) as float32 unit vectors, zero where there is none or it is not finite."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    known = np.isfinite(length) & (length > MIN_LENGTH)
    return np.where(known, vectors / np.where(known, length, 1), 0).astype(np.float32)


def to_integers(vectors: np.ndarray) -> np.ndarray:
    """Unit vectors as int16, in steps of 1 / SCALE."""
    return np.rint(vectors * SCALE).astype(np.int16)


def viewing_rays(height: int, width: int) -> np.ndarray:
    """float64 (H, W, 3): from the camera to each pixel; x right, y up, z towards the camera."""
    focal_length = FOCAL_LENGTH * width
    right = (np.arange(width) - (width - 1) / 2) / focal_length
    up = ((height - 1) / 2 - np.arange(height)) / focal_length
    return np.stack(np.broadcast_arrays(right, up[:, None], -1.0), axis=-1)


def _normalise(vectors: np.ndarray) -> np.ndarray:
    length = np.sqrt(np.square(vectors).sum(axis=-1, keepdims=True))
    return vectors / np.where(length > 0, length, 1)
