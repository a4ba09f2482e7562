"""The coordinate frame of stored normals, inferred from the normals.

The distributions of NYUv2's normals order and sign their components differently, and do not
document it. However, visible surfaces face the camera: of all coordinate frames, the right frame
has the fewest normals that point away from the camera. Floors and side walls are decisive.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.labels.unit_vectors import viewing_rays

MOST_HIDDEN = 0.2  # maximum share of normals that point away in the right frame, due to noise
_SAMPLES = 24  # images with normals everywhere; more do not change the result
_STEP = 4  # pixels between sampled rows and columns

T = TypeVar('T')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The conversion from stored components to x right, y up, z towards the camera.

    Attributes:
      components: the indices of the stored components that are x, y and z.
      signs: 1 or -1 for each of x, y and z.
    """

    components: tuple[int, int, int]
    signs: tuple[int, int, int]

    def apply(self, normals: np.ndarray) -> np.ndarray:
        """Converts stored normals (..., 3) to the frame of this package."""
        return normals[..., self.components] * np.array(self.signs, normals.dtype)

    def describe(self) -> str:
        """Describes which stored components are right, up and towards the camera."""
        axes = zip(('right', 'up', 'near'), self.components, self.signs, strict=True)
        directions = (f'{axis} = {"-" * (sign < 0)}channel {index}' for axis, index, sign in axes)
        return f'axes of the normals, found from the normals: {", ".join(directions)}'


FRAMES = tuple(
    Frame(components=(x, y, z), signs=signs)
    for x, y, z in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), (1, -1), (1, -1))
)


def find_frame(
    source: object,
    items: Sequence[T],
    read: Callable[[T], np.ndarray],
    samples: int = _SAMPLES,
) -> Frame:
    """Finds the frame of a distribution's normals; the first of `FRAMES` if several are equal.

    Args:
      source: name of the distribution in error messages.
      items: one item for each image of the distribution; an evenly spaced sample is read.
      read: reads the stored normals (H, W, 3) of an item, zero where unknown.
      samples: largest number of items that are read.

    Raises:
      UserError: in every frame, too many normals point away from the camera.
    """
    hidden = np.zeros(len(FRAMES))
    known = 0
    for item in items[:: math.ceil(len(items) / samples)]:
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
            f'the normals of {source} are not those of visible surfaces: with every order and sign '
            f'of the axes, at least {hidden[best] / known:.0%} point away from the camera; '
            'unpack the dataset again'
        )
    return FRAMES[best]
