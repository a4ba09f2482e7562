"""Joint transforms of an image and all its labels, on the host.

The kind of a label defines how it is transformed: see `labels`. Random numbers come from a
generator that the caller passes in.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from ubernet_jax.example import Example
from ubernet_jax.labels import LabelKind
from ubernet_jax.transforms.grids import Rotation, Scaling, resize_image


def flip(example: Example) -> Example:
    """Flips the image and its labels left to right."""
    width = example.image.shape[1]
    # Half the time of a copy of the reversed view.
    image = np.take(example.image, np.arange(width)[::-1], axis=1)
    return _transform(example, image, lambda kind, label: kind.flip(label, width))


def resize(example: Example, size: tuple[int, int]) -> Example:
    """Scales the image and its labels to `size` (height, width)."""
    height, width = example.image.shape[:2]
    grid = Scaling((height, width), size)
    image = resize_image(example.image, size)
    scale = example.scale[0] * size[0] / height, example.scale[1] * size[1] / width
    example = dataclasses.replace(example, scale=scale)
    return _transform(example, image, lambda kind, label: kind.resize(label, grid))


def crop(example: Example, top: int, left: int, size: tuple[int, int]) -> Example:
    """Crops to `size` (height, width) at row `top`, column `left`; smaller at the borders."""
    height, width = example.image.shape[:2]
    window = (
        slice(top, min(top + size[0], height)),
        slice(left, min(left + size[1], width)),
    )
    return _transform(example, example.image[window], lambda kind, label: kind.crop(label, window))


def rotate(example: Example, degrees: float) -> Example:
    """Rotates counter-clockwise, and crops to the largest upright rectangle within the result.

    Labels of a kind that cannot be rotated, such as boxes, are dropped.
    """
    labels = {name: label for name, label in example.labels.items() if example.kinds[name].rotates}
    example = dataclasses.replace(example, labels=labels)
    grid = Rotation(example.image.shape[:2], degrees)
    image = grid.sample(example.image, Image.Resampling.BILINEAR)
    return _transform(example, image, lambda kind, label: kind.rotate(label, grid))


def fit(
    example: Example,
    size: tuple[int, int],
    scale: tuple[float, float],
    flips: bool,
    rng: np.random.Generator,
    rotations: int = 1,
) -> Example:
    """Scales an example to fit `size`, times a random factor, and crops it randomly to `size`.

    Args:
      example: of any size.
      size: (height, width), the maximum size of the result.
      scale: range of the factor; at 1 the full image just fits.
      flips: flip with probability 0.5.
      rng: random generator for the factor, the angle, the crop and the flip.
      rotations: number of angles, evenly spaced from 0; the scaled example is rotated by a random
        angle among them, see `rotate`.
    """
    example = _transform(example, example.image, lambda kind, label: kind.for_training(label))
    height, width = example.image.shape[:2]
    factor = min(size[0] / height, size[1] / width) * rng.uniform(*scale)
    example = resize(example, (max(1, round(height * factor)), max(1, round(width * factor))))
    if rotations > 1:
        example = rotate(example, 360 / rotations * rng.integers(rotations))
    top, left = (
        int(rng.integers(max(0, side - limit) + 1))
        for side, limit in zip(example.image.shape[:2], size, strict=True)
    )
    example = crop(example, top, left, size)
    return flip(example) if flips and rng.random() < 0.5 else example


def _transform(
    example: Example, image: np.ndarray, transform: Callable[[LabelKind, Any], Any]
) -> Example:
    # Tasks may share a label, which is transformed once.
    keys = {name: (example.kinds[name], id(label)) for name, label in example.labels.items()}
    distinct = {keys[name]: label for name, label in example.labels.items()}
    transformed = {key: transform(key[0], label) for key, label in distinct.items()}
    labels = {name: transformed[key] for name, key in keys.items()}
    return dataclasses.replace(example, image=image, labels=labels)
