"""Distances: float32 (H, W), in metres from the camera's plane; 0 where unknown."""

import dataclasses
import functools
import math
import pathlib
from typing import ClassVar

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ubernet_jax.errors import UserError
from ubernet_jax.labels.kind import Grid, Review, Survey, register
from ubernet_jax.labels.maps import MapKind
from ubernet_jax.labels.reading import is_array, read_array, read_picture, require_size
from ubernet_jax.visualize.drawing import in_bands
from ubernet_jax.visualize.palette import FRAME, INK
from ubernet_jax.visualize.style import Style

_EDGES = (0.05, 0.2, 0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 80, 120, 200, 500, 1000)  # metres
UNKNOWN = np.uint8(128)  # grey, as of normals
FARTHEST = 500  # metres; farther than any sensor measures
_LARGEST = np.finfo(np.float16).max  # metres that a target holds


@register
@dataclasses.dataclass(frozen=True, kw_only=True)
class Metres(MapKind):
    """A distance for every pixel.

    Attributes:
      scale: metres of a step of a picture's values; `.npy` files are in metres.
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
                f'the scale of distances is {self.scale!r:.50}; it must be the metres of a step of '
                "a picture's values, above 0, such as 0.001"
            )

    def read(
        self, path: pathlib.Path, size: tuple[int, int] | None = None, key: str = ''
    ) -> np.ndarray:
        """A 16-bit PNG, times `scale`, or an array of floats in metres.

        0, what is not finite and what is farther than 65504 m is unknown.
        """
        if is_array(path):
            distances = read_array(path, key or 'depth')
            if distances.ndim == 3 and 1 in (distances.shape[0], distances.shape[-1]):
                distances = distances.squeeze()
            if distances.ndim != 2 or distances.dtype.kind != 'f':
                raise UserError(
                    f'{path}: got {distances.dtype} {distances.shape}; distances are floats '
                    '(H, W), in metres'
                )
        else:
            distances = read_picture(path, {'I;16'}) * self.scale
        require_size(path, distances, size)
        known = (distances > 0) & (distances <= _LARGEST)
        return np.where(known, distances, 0).astype(np.float32)

    def resample(self, label: np.ndarray, grid: Grid) -> np.ndarray:
        """The nearest pixel: between two surfaces there is none at their mean."""
        return grid.sample(np.ascontiguousarray(label), Image.Resampling.NEAREST)

    def survey(self, label: np.ndarray) -> Survey:
        known = label[label > 0]
        counts = np.bincount(np.digitize(known, _EDGES), minlength=len(_EDGES) + 1)
        return {'pixels': [label.size], 'metres': counts.tolist()}

    def review(self, total: Survey) -> Review:
        (pixels,), counts = total['pixels'], np.array(total['metres'])
        known, far = counts.sum(), counts[_EDGES.index(FARTHEST) + 1 :].sum()
        errors = ()
        if known and far > known / 2:
            errors = (
                f'{far / known:.0%} of the pixels are farther than {FARTHEST} m: arrays are in '
                'metres; of pictures, say the metres of a step in labels.json, such as '
                '{"kind": "metres", "scale": 0.0001}',
            )
        found = np.flatnonzero(counts)
        edges = (0, *_EDGES, np.inf)
        return Review(
            errors=errors,
            notes=() if known else ('no pixel has a distance',),
            void=1 - int(known) / max(1, pixels),
            values=f'{edges[found[0]]:g}-{edges[found[-1] + 1]:g} m' if known else '',
        )

    def draw(self, label: np.ndarray, image: np.ndarray | None, style: Style) -> np.ndarray:
        """Near is light and far is dark, over the range that is to be seen; unknown is grey."""
        return _draw(label, _visible_range(label))

    def key(self, label: np.ndarray, side: int) -> np.ndarray:
        """A bar of these colours with the metres that they mean."""
        return _draw_bar(_visible_range(label), side)


def _visible_range(distances: np.ndarray) -> tuple[float, float]:
    """From the nearest to the farthest of a map (H, W), but for the odd pixels at either end."""
    known = distances[distances > 0]
    if not known.size:
        return 0.0, 1.0
    near, far = np.percentile(known, (1, 99))
    return float(near), float(max(far, near + 1e-3))


def _draw(distances: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """uint8 (H, W, 3), RGB, of distances float (H, W) in metres; grey where there is none."""
    near, far = limits
    colours = _colours()

    def draw(rows: np.ndarray) -> np.ndarray:
        share = np.clip((far - rows) / (far - near), 0, 1)
        return np.where((rows > 0)[..., None], colours[(255 * share).astype(np.uint8)], UNKNOWN)

    return in_bands(draw, distances)


def _draw_bar(limits: tuple[float, float], height: int) -> np.ndarray:
    """uint8 (height, w, 3): the colours from near to far, with their metres under them."""
    near, far = limits
    font = ImageFont.load_default(size=max(9, height / 4))
    texts = [f'{value:.3g} m' for value in (near, (near + far) / 2, far)]
    width = max(4 * height, round(1.3 * sum(map(font.getlength, texts))))
    bar = Image.new('RGB', (width, height), 'white')
    thickness = height // 2
    colours = np.tile(_colours()[::-1][np.linspace(0, 255, width).astype(int)], (thickness, 1, 1))
    bar.paste(Image.fromarray(colours))
    draw = ImageDraw.Draw(bar)
    draw.rectangle((0, 0, width - 1, thickness - 1), outline=FRAME)
    for text, x, anchor in zip(texts, (0, width / 2, width - 1), ('ls', 'ms', 'rs'), strict=True):
        draw.text((x, height - height // 6), text, INK, font, anchor=anchor)
    return np.asarray(bar)


@functools.cache
def _colours() -> np.ndarray:
    """uint8 (256, 3): matplotlib's magma, dark to light, equal steps of which look equal."""
    from matplotlib import colormaps  # takes a while, which other pictures need not wait for

    return (255 * colormaps['magma'](np.linspace(0, 1, 256))[:, :3]).round().astype(np.uint8)
