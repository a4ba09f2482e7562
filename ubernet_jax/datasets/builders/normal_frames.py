"""Which way the axes of a file's normals point, found from the normals themselves.

The distributions of NYUv2's normals order and sign their components differently, and none says
how. But a surface that is seen faces the camera: of all ways to name the axes, the right one has
the fewest normals that point away from it. Floors and side walls decide.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.labels.unit_vectors import viewing_rays

MOST_HIDDEN = 0.2  # share of normals that may point away, by noise, in the right frame
_SAMPLES = 24  # images; more change nothing
_STEP = 4  # pixels, of rows and columns

T = TypeVar('T')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """How to come from a file's components to x right, y up, z towards the camera.

    Attributes:
      components: which of the file's are x, y and z.
      signs: 1 or -1, of each.
    """

    components: tuple[int, int, int]
    signs: tuple[int, int, int]

    def apply(self, normals: np.ndarray) -> np.ndarray:
        """Normals (..., 3) of the file as those of this package."""
        return normals[..., self.components] * np.array(self.signs, normals.dtype)


FRAMES = tuple(
    Frame(components=components, signs=signs)
    for components in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
)


def find_frame(source: object, items: Sequence[T], read: Callable[[T], np.ndarray]) -> Frame:
    """The frame of a distribution's normals; of equally good ones, the first of `FRAMES`.

    Args:
      source: what the message calls the distribution.
      items: one for each image of the distribution; some, spread evenly, are read.
      read: an item's normals (H, W, 3) as they are in their file, zero where unknown.

    Raises:
      UserError: in every frame, many normals point away from the camera.
    """
    hidden = np.zeros(len(FRAMES))
    known = 0
    for item in items[:: math.ceil(len(items) / _SAMPLES)]:
        normals = read(item)
        rays = viewing_rays(*normals.shape[:2])[::_STEP, ::_STEP]
        normals = normals[::_STEP, ::_STEP]
        known += np.count_nonzero(normals.any(axis=-1))
        hidden += [
            np.count_nonzero((frame.apply(normals) * rays).sum(axis=-1) > 0) for frame in FRAMES
        ]
    best = int(np.argmin(hidden))
    if hidden[best] > MOST_HIDDEN * known:
        raise UserError(
            f'the normals of {source} are none of visible surfaces: whichever way their axes are '
            f'named, {hidden[best] / known:.0%} or more point away from the camera; '
            'unpack the dataset again'
        )
    return FRAMES[best]
