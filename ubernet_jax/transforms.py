"""Joint transforms of an image and all its labels, on the host. Every random choice is drawn from
a generator that the caller passes in.

`Example.annotators` are dropped: they are for evaluation, which takes examples as they are.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from PIL import Image

from ubernet_jax.structs import Boxes, Example
from ubernet_jax.tasks import TASKS, VOID, LabelKind, Task

MIN_VISIBLE = 0.25  # share of a box's area that a cut must leave; of less, too little is to be seen


def mirror(example: Example) -> Example:
    """Flips left and right; the x component of directions changes sign."""
    width = example.image.shape[1]

    def mirror_label(task: Task, label: np.ndarray | Boxes) -> np.ndarray | Boxes:
        if task.label is LabelKind.BOXES:
            x1, y1, x2, y2 = label.corners.T
            corners = np.stack([width - x2, y1, width - x1, y2], axis=1)
            return dataclasses.replace(label, corners=corners)
        flipped = label[:, ::-1]
        if task.label is LabelKind.DIRECTION:
            return flipped * np.array([-1, 1, 1], label.dtype)
        return flipped

    return _transform(example, example.image[:, ::-1], mirror_label)


def resize(example: Example, size: tuple[int, int]) -> Example:
    """Scales the image and its labels to `size` (height, width)."""
    height, width = example.image.shape[:2]
    factors = np.tile(np.float32([size[1] / width, size[0] / height]), 2)

    def resize_label(task: Task, label: np.ndarray | Boxes) -> np.ndarray | Boxes:
        if task.label is LabelKind.BOXES:
            return dataclasses.replace(label, corners=label.corners * factors)
        return _resize_map(task, label, size)

    return _transform(example, resize_image(example.image, size), resize_label)


def crop(example: Example, top: int, left: int, size: tuple[int, int]) -> Example:
    """Cuts out `size` (height, width) from row `top` and column `left`; less at the borders.

    Boxes are cut too, and dropped where less than `MIN_VISIBLE` of them is left.
    """
    window = np.s_[top : top + size[0], left : left + size[1]]
    image = example.image[window]

    def crop_label(task: Task, label: np.ndarray | Boxes) -> np.ndarray | Boxes:
        if task.label is not LabelKind.BOXES:
            return label[window]
        height, width = image.shape[:2]
        offset, limit = np.float32([left, top] * 2), np.float32([width, height] * 2)
        cut = dataclasses.replace(label, corners=np.clip(label.corners - offset, 0, limit))
        return cut[cut.areas() >= MIN_VISIBLE * label.areas()]

    return _transform(example, image, crop_label)


def fit(
    example: Example,
    size: tuple[int, int],
    scale: tuple[float, float],
    flip: bool,
    rng: np.random.Generator,
) -> Example:
    """Scales an example to fit `size` times a random factor, and cuts what then hangs over.

    Args:
      example: of any size.
      size: (height, width) that the result does not exceed.
      scale: range of the factor; at 1 the whole image just fits.
      flip: mirror every second example.
      rng: of the factor, the cut and the flip.
    """
    height, width = example.image.shape[:2]
    factor = min(size[0] / height, size[1] / width) * rng.uniform(*scale)
    scaled = tuple(max(1, round(side * factor)) for side in (height, width))
    top, left = (
        int(rng.integers(max(0, s - limit) + 1)) for s, limit in zip(scaled, size, strict=True)
    )
    example = crop(resize(example, scaled), top, left, size)
    return mirror(example) if flip and rng.random() < 0.5 else example


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scales uint8 (H, W, 3) to `size` (height, width), smoothing where it shrinks."""
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR))


def _transform(
    example: Example,
    image: np.ndarray,
    transform_label: Callable[[Task, np.ndarray | Boxes], np.ndarray | Boxes],
) -> Example:
    labels = {name: transform_label(TASKS[name], label) for name, label in example.labels.items()}
    return Example(id=example.id, image=image, labels=labels)


def _resize_map(task: Task, label: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if task.label is LabelKind.DIRECTION:
        return _resize_directions(label, size)
    if task.thin:
        line = (label > 0) & ((task.label is LabelKind.SHARE) | (label != VOID))
        return _resize_lines(label, line, size)
    soft = task.label is LabelKind.SHARE
    method = Image.Resampling.BILINEAR if soft else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(label).resize(size[::-1], method))


def _resize_lines(label: np.ndarray, line: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Nearest neighbour, but pixels of a `line` that fall between the samples stay."""
    result = np.array(Image.fromarray(label).resize(size[::-1], Image.Resampling.NEAREST))
    rows, columns = np.nonzero(line)
    target = (rows * size[0] // label.shape[0], columns * size[1] // label.shape[1])
    np.maximum.at(result, target, label[rows, columns])
    return result


def _resize_directions(label: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Bilinear between labelled pixels, brought back to unit length; zero where most are not."""

    def scale(channel: np.ndarray) -> np.ndarray:
        picture = Image.fromarray(np.ascontiguousarray(channel, np.float32))
        return np.asarray(picture.resize(size[::-1], Image.Resampling.BILINEAR))

    labelled = scale((label != 0).any(-1)) > 0.5
    vectors = np.stack([scale(label[..., axis]) for axis in range(3)], -1)
    length = np.linalg.norm(vectors, axis=-1)
    # Opposite neighbours cancel out; such a mean has no direction.
    labelled &= length > 1e-3
    return np.where(labelled[..., None], vectors / np.maximum(length, 1e-3)[..., None], 0)
