"""Depth maps: float32 (H, W), metres from the camera plane; 0 where unknown."""

import dataclasses
import functools
import math
import pathlib
from typing import ClassVar

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ubernet_jax.errors import UserError
from ubernet_jax.labels.grid import Grid
from ubernet_jax.labels.maps import MapKind
from ubernet_jax.labels.reading import is_array, read_array, read_picture, require_size
from ubernet_jax.labels.registry import register
from ubernet_jax.labels.review import Review, Survey
from ubernet_jax.visualize.drawing import in_bands
from ubernet_jax.visualize.palette import FRAME, NOTE
from ubernet_jax.visualize.style import Style

_EDGES = (0.05, 0.2, 0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 80, 120, 200, 500, 1000)  # metres
UNKNOWN = np.uint8(128)  # the grey that unknown normals have too
FARTHEST = 500  # metres; beyond the range of any sensor
_LARGEST = float(np.finfo(np.float16).max)  # metres; the largest value of a float16 target


@register
@dataclasses.dataclass(frozen=True, kw_only=True)
class Metres(MapKind):
    """A depth for every pixel.

    Attributes:
      scale: metres per step of the values of a picture; `.npy` files are in metres.
    """

    name: ClassVar[str] = 'metres'
    suffixes: ClassVar[tuple[str, ...]] = ('.png', '.npy')
    dtype: ClassVar[type[np.generic]] = np.float32
    stored: ClassVar[type[np.generic]] = np.float32
    target: ClassVar[type[np.generic]] = np.float16
    unknown: ClassVar[int] = 0
    scale: float = 0.001

    def __post_init__(self) -> None:
        super().__post_init__()
        is_number = isinstance(self.scale, int | float) and not isinstance(self.scale, bool)
        if not is_number or not 0 < self.scale < math.inf:
            raise UserError(
                f'the scale of depth maps is {self.scale!r:.50}; it must be the metres per step of '
                'the values of a picture, above 0, such as 0.001'
            )

    def read(
        self, path: pathlib.Path, size: tuple[int, int] | None = None, key: str = ''
    ) -> np.ndarray:
        """Reads a 16-bit PNG, multiplied by `scale`, or an array of floats in metres.

        Values that are 0, not finite or above 65504 m become unknown; a negative value is an
        error. Raises as `LabelKind.read`.
        """
        if is_array(path):
            distances = read_array(path, key or 'depth')
            if distances.ndim == 3 and 1 in (distances.shape[0], distances.shape[-1]):
                distances = distances.squeeze()
            if distances.ndim != 2 or distances.dtype.kind != 'f':
                raise UserError(
                    f'{path}: got {distances.dtype} {distances.shape}; a depth map must be '
                    'floats (H, W), in metres'
                )
        else:
            distances = read_picture(path, {'I;16'}) * self.scale
        require_size(path, distances, size)
        negative = distances[np.isfinite(distances) & (distances < 0)]
        if negative.size:
            raise UserError(
                f'{path}: {negative.size} of {distances.size} depths are negative, down to '
                f'{negative.min():g}; depths are metres above 0: write 0 or NaN where the depth is '
                'unknown'
            )
        known = (distances > 0) & (distances <= _LARGEST)
        return np.where(known, distances, 0).astype(np.float32)

    def resample(self, label: np.ndarray, grid: Grid) -> np.ndarray:
        """Takes the nearest pixel, since the mean of two depths may lie between two surfaces."""
        return grid.sample(np.ascontiguousarray(label), Image.Resampling.NEAREST)

    def survey(self, label: np.ndarray) -> Survey:
        known = label[label > 0]
        counts = np.bincount(np.digitize(known, _EDGES), minlength=len(_EDGES) + 1)
        return {'pixels': [label.size], 'metres': counts.tolist()}

    def review(self, total: Survey) -> Review:
        (pixels,), counts = total['pixels'], np.array(total['metres'])
        known, far = int(counts.sum()), counts[_EDGES.index(FARTHEST) + 1 :].sum()
        errors = ()
        if known and far > known / 2:
            errors = (
                f'{far / known:.0%} of the pixels are farther than {FARTHEST} m: arrays must be in '
                'metres; for pictures, give the metres per step in labels.json, such as '
                '{"kind": "metres", "scale": 0.0001}',
            )
        present = np.flatnonzero(counts)
        edges = (0, *_EDGES, np.inf)
        return Review(
            errors=errors,
            notes=() if known else ('no pixel has a depth',),
            void=1 - known / max(1, pixels),
            values=f'{edges[present[0]]:g}-{edges[present[-1] + 1]:g} m' if known else '',
        )

    def draw(self, label: np.ndarray, image: np.ndarray | None, style: Style) -> np.ndarray:
        """Draws near pixels light and far pixels dark, over the range that occurs, unknown grey."""
        return _draw(label, _visible_range(label))

    def key(self, label: np.ndarray, side: int) -> np.ndarray:
        """Draws a colour bar labelled in metres."""
        return _draw_bar(_visible_range(label), side)


def _visible_range(distances: np.ndarray) -> tuple[float, float]:
    """Returns the 1st and 99th percentile of the known distances (H, W), to ignore outliers."""
    known = distances[distances > 0]
    if not known.size:
        return 0.0, 1.0
    near, far = np.percentile(known, (1, 99))
    return float(near), float(max(far, near + 1e-3))


def _draw(distances: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Draws distances float (H, W) as uint8 (H, W, 3), RGB; grey where unknown."""
    near, far = limits
    colours = _colours()

    def draw(rows: np.ndarray) -> np.ndarray:
        share = np.clip((far - rows) / (far - near), 0, 1)
        return np.where((rows > 0)[..., None], colours[(255 * share).astype(np.uint8)], UNKNOWN)

    return in_bands(draw, distances)


def _draw_bar(limits: tuple[float, float], height: int) -> np.ndarray:
    """Draws the colours from near to far with metres below; uint8 (height, w, 4), RGBA."""
    near, far = limits
    font = ImageFont.load_default(size=max(9, height / 4))
    texts = [f'{value:.3g} m' for value in (near, (near + far) / 2, far)]
    width = max(4 * height, round(1.3 * sum(map(font.getlength, texts))))
    bar = Image.new('RGBA', (width, height), (*NOTE, 0))
    thickness = height // 2
    colours = np.tile(_colours()[::-1][np.linspace(0, 255, width).astype(int)], (thickness, 1, 1))
    bar.paste(Image.fromarray(colours))
    draw = ImageDraw.Draw(bar)
    draw.rectangle((0, 0, width - 1, thickness - 1), outline=FRAME)
    for text, x, anchor in zip(texts, (0, width / 2, width - 1), ('ls', 'ms', 'rs'), strict=True):
        draw.text((x, height - height // 6), text, NOTE, font, anchor=anchor)
    return np.asarray(bar)


@functools.cache
def _colours() -> np.ndarray:
    """Returns matplotlib's magma, uint8 (256, 3), a perceptually uniform map from dark to light."""
    from matplotlib import colormaps  # a slow import that only depth maps need

    return (255 * colormaps['magma'](np.linspace(0, 1, 256))[:, :3]).round().astype(np.uint8)
