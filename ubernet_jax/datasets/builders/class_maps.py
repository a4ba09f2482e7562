"""Class maps from the masks of objects: polygons, and run lengths as in COCO.

A pixel belongs to a polygon if its centre does (even-odd rule). Where masks overlap, the smaller
one is in front: small objects lie on large ones; of equal masks, the later one.
"""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ubernet_jax.errors import UserError

# Limits of the work for one image; a photograph of 12 million pixels may have 40 full-size masks.
_MAX_CROSSINGS = 2**23  # of the edges of a polygon with the rows of the image
_MAX_DRAWN = 2**29  # pixels of the rectangles around all masks


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """The pixels of an object: polygons, or run lengths.

    Attributes:
      polygons: x, y, x, y, ... of each polygon, from the upper left corner of the image.
      runs: lengths of the runs of pixels outside and inside the object in turn, column by column;
        only without polygons.
    """

    polygons: tuple[tuple[float, ...], ...] = ()
    runs: tuple[int, ...] = ()

    def area(self) -> float:
        """The number of pixels; of overlapping polygons, the sum."""
        return sum(map(_area, self.polygons)) + sum(self.runs[1::2])

    def scale(self, width: int, height: int) -> 'Mask':
        """Converts polygons in shares of the sides of an image to pixels."""
        factors = width, height
        return Mask(
            polygons=tuple(
                tuple(value * factors[i % 2] for i, value in enumerate(polygon))
                for polygon in self.polygons
            )
        )


def bounds(polygons: Iterable[tuple[float, ...]]) -> tuple[float, float, float, float]:
    """Returns the box x1, y1, x2, y2 around polygons."""
    points = [value for polygon in polygons for value in polygon]  # all have an even length
    return min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2])


def draw_class_map(
    objects: Iterable[tuple[int, Mask | None]], size: tuple[int, int], what: str
) -> np.ndarray:
    """Draws a class map, uint8 (H, W), 0 where there is no object.

    Args:
      objects: class index and mask of each object.
      size: height and width.
      what: the image, for the message.

    Raises:
      UserError: the masks have too many points or pixels to be drawn.
    """
    result = np.zeros(size[::-1], np.uint8)  # (W, H), because runs go along columns
    masks = [(mask, index) for index, mask in objects if mask is not None]
    drawn = 0
    for mask, index in sorted(masks, key=lambda pair: -pair[0].area()):
        parts: list[tuple[Any, np.ndarray]] = [
            _fill(np.reshape(polygon, (-1, 2)), size, what) for polygon in mask.polygons
        ]
        if mask.runs:
            parts.append(_expand(mask.runs))
        for window, inside in parts:
            drawn += inside.size
            if drawn > _MAX_DRAWN:
                raise UserError(
                    f'{what}: the rectangles around its masks have more than {_MAX_DRAWN:,} '
                    'pixels in total; leave the image out, or scale it and its masks down'
                )
            target = result.reshape(-1) if mask.runs else result.T
            target[window][inside] = index
    return np.ascontiguousarray(result.T)


def _expand(runs: tuple[int, ...]) -> tuple[slice, np.ndarray]:
    """Returns the range of pixels of run lengths, and which of them are inside."""
    lengths = np.array(runs[1:], np.int64)
    inside = np.repeat(np.arange(len(lengths)) % 2 == 0, lengths)
    return slice(runs[0], runs[0] + len(inside)), inside


def _fill(
    points: np.ndarray, size: tuple[int, int], what: str
) -> tuple[tuple[slice, slice], np.ndarray]:
    """Fills a polygon (N, 2) of x, y; returns a window of the image and which pixels are inside.

    Every edge crosses the centres of some rows; a pixel is inside if an odd number of crossings
    are to the left of its centre.
    """
    height, width = size
    start, end = points, np.roll(points, -1, axis=0)
    upper, lower = np.where((start[:, 1:] <= end[:, 1:])[None], (start, end), (end, start))
    first, stop = (
        np.clip(np.ceil(edge[:, 1] - 0.5), 0, height).astype(np.int64) for edge in (upper, lower)
    )
    counts = stop - first
    total = int(counts.sum())
    if total > _MAX_CROSSINGS:
        raise UserError(
            f'{what}: a polygon crosses the rows of the image {total:,} times, but at most '
            f'{_MAX_CROSSINGS:,} are drawn; simplify it'
        )
    if not total:
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), bool)
    edge = np.repeat(np.arange(len(points)), counts)
    row = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    (x, y), (x2, y2) = upper[edge].T, lower[edge].T
    crossing = x + (row + 0.5 - y) / (y2 - y) * (x2 - x)
    column = np.clip(np.ceil(crossing - 0.5), 0, width).astype(np.int64)
    top, left = row.min(), column.min()
    crossings = np.zeros((row.max() + 1 - top, column.max() + 1 - left), np.uint8)
    np.add.at(crossings, (row - top, column - left), 1)  # beyond 255, still odd or even
    inside = np.bitwise_xor.accumulate(crossings & 1, axis=1)[:, :-1].astype(bool)
    rows, columns = inside.shape
    return (slice(top, top + rows), slice(left, left + columns)), inside


def _area(polygon: tuple[float, ...]) -> float:
    x, y = np.array(polygon[::2]), np.array(polygon[1::2])
    return math.fabs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
