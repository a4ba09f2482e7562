"""Joint transforms of an image and all its labels, on the host. Every random choice is drawn from
a generator that the caller passes in.

`Example.annotators` are dropped: they are for evaluation, which takes examples as they are.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from PIL import Image

from ubernet_jax.structs import Boxes, Example
from ubernet_jax.tasks import TASKS, LabelKind, Task
from ubernet_jax.transforms.resampling import resample_map, resize_image, resize_map

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
        return resize_map(task, label, size)

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


def rotate(example: Example, degrees: float) -> Example:
    """Turns an example counter-clockwise, and cuts out the largest upright rectangle without a gap.

    Directions turn with the image. The result has no label for boxes: an upright box around a
    turned one is too large.
    """
    radians = math.radians(degrees)
    sine, cosine = round(math.sin(radians), 12), round(math.cos(radians), 12)  # 0 of quarter turns
    shape = example.image.shape[:2]
    size = _largest_within(shape, abs(sine), abs(cosine))
    centre, new_centre = np.array(shape) / 2, np.array(size) / 2
    back = np.array([[cosine, sine], [-sine, cosine]])  # of (row, column) from the centre

    def sample(picture: np.ndarray, method: Image.Resampling) -> np.ndarray:
        row, column = np.column_stack([back, centre - back @ new_centre])
        matrix = (column[1], column[0], column[2], row[1], row[0], row[2])  # Pillow has x, y
        whole = Image.fromarray(picture)
        return np.asarray(whole.transform(size[::-1], Image.Transform.AFFINE, matrix, method))

    def place(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        offsets = np.stack([rows, columns]) + 0.5 - centre[:, None]
        return np.floor(back.T @ offsets + new_centre[:, None]).astype(int)

    def rotate_label(task: Task, label: np.ndarray) -> np.ndarray:
        label = resample_map(task, label, sample, place)
        if task.label is not LabelKind.DIRECTION:
            return label
        x, y, z = np.moveaxis(label, -1, 0)
        return np.stack([cosine * x - sine * y, sine * x + cosine * y, z], -1).astype(label.dtype)

    upright = {
        name: label for name, label in example.labels.items() if not isinstance(label, Boxes)
    }
    return _transform(
        dataclasses.replace(example, labels=upright),
        sample(example.image, Image.Resampling.BILINEAR),
        rotate_label,
    )


def fit(
    example: Example,
    size: tuple[int, int],
    scale: tuple[float, float],
    flip: bool,
    rng: np.random.Generator,
    rotations: int = 1,
) -> Example:
    """Scales an example to fit `size` times a random factor, and cuts what then hangs over.

    Args:
      example: of any size.
      size: (height, width) that the result does not exceed.
      scale: range of the factor; at 1 the whole image just fits.
      flip: mirror every second example.
      rng: of the factor, the angle, the cut and the flip.
      rotations: turn by one of so many angles, evenly spaced from 0, after scaling; see `rotate`.
    """
    height, width = example.image.shape[:2]
    factor = min(size[0] / height, size[1] / width) * rng.uniform(*scale)
    example = resize(example, tuple(max(1, round(side * factor)) for side in (height, width)))
    if rotations > 1:
        example = rotate(example, 360 / rotations * rng.integers(rotations))
    top, left = (
        int(rng.integers(max(0, side - limit) + 1))
        for side, limit in zip(example.image.shape[:2], size, strict=True)
    )
    example = crop(example, top, left, size)
    return mirror(example) if flip and rng.random() < 0.5 else example


def _transform(
    example: Example,
    image: np.ndarray,
    transform_label: Callable[[Task, np.ndarray | Boxes], np.ndarray | Boxes],
) -> Example:
    labels = {name: transform_label(TASKS[name], label) for name, label in example.labels.items()}
    return Example(id=example.id, image=image, labels=labels)


def _largest_within(shape: tuple[int, int], sine: float, cosine: float) -> tuple[int, int]:
    """(height, width) of the largest upright rectangle in one of `shape` that is turned."""
    height, width = shape
    if min(shape) <= 2 * sine * cosine * max(shape) or math.isclose(sine, cosine):
        half = min(shape) / 2  # two corners lie on the long sides, the others anywhere between
        sides = (half / cosine, half / sine) if width >= height else (half / sine, half / cosine)
    else:
        double = cosine**2 - sine**2
        sides = (
            (height * cosine - width * sine) / double,
            (width * cosine - height * sine) / double,
        )
    return tuple(max(1, math.floor(side)) for side in sides)
