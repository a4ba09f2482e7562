"""Images and label maps on another grid of pixels, each kind of label in its own way."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from ubernet_jax.tasks import VOID, LabelKind, Task

Sampler = Callable[[np.ndarray, Image.Resampling], np.ndarray]
Placer = Callable[[np.ndarray, np.ndarray], np.ndarray]


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scales uint8 (H, W, 3) to `size` (height, width), smoothing where it shrinks."""
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR))


def resize_map(task: Task, label: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scales a label map to `size` (height, width); pixels of lines that fall between stay."""
    height, width = label.shape[:2]

    def sample(picture: np.ndarray, method: Image.Resampling) -> np.ndarray:
        return np.asarray(Image.fromarray(picture).resize(size[::-1], method))

    def place(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return np.stack([rows * size[0] // height, columns * size[1] // width])

    return resample_map(task, label, sample, place)


def resample_map(task: Task, label: np.ndarray, sample: Sampler, place: Placer) -> np.ndarray:
    """A label map on another grid of pixels.

    Args:
      task: whose label it is.
      label: (H, W, ...).
      sample: a picture (H, W) on the other grid, interpolated by a method.
      place: rows and columns of this grid as (2, n) of the other, maybe outside of it.
    """
    if task.label is LabelKind.DIRECTION:
        return _resample_directions(label, sample)
    if task.thin:
        line = (label > 0) & ((task.label is LabelKind.SHARE) | (label != VOID))
        return _resample_lines(label, line, sample, place)
    soft = task.label is LabelKind.SHARE
    return sample(label, Image.Resampling.BILINEAR if soft else Image.Resampling.NEAREST)


def _resample_lines(
    label: np.ndarray, line: np.ndarray, sample: Sampler, place: Placer
) -> np.ndarray:
    """Nearest neighbour, but pixels of a `line` that fall between the samples stay."""
    result = sample(label, Image.Resampling.NEAREST).copy()
    rows, columns = np.nonzero(line)
    targets = place(rows, columns)
    inside = np.all((targets >= 0) & (targets < np.array(result.shape)[:, None]), axis=0)
    np.maximum.at(result, tuple(targets[:, inside]), label[rows[inside], columns[inside]])
    return result


def _resample_directions(label: np.ndarray, sample: Sampler) -> np.ndarray:
    """Bilinear between labelled pixels, brought back to unit length; zero where most are not."""

    def interpolate(channel: np.ndarray) -> np.ndarray:
        return sample(np.ascontiguousarray(channel, np.float32), Image.Resampling.BILINEAR)

    labelled = interpolate((label != 0).any(-1)) > 0.5
    vectors = np.stack([interpolate(label[..., axis]) for axis in range(3)], -1)
    length = np.linalg.norm(vectors, axis=-1)
    # Opposite neighbours cancel out; such a mean has no direction.
    labelled &= length > 1e-3
    return np.where(labelled[..., None], vectors / np.maximum(length, 1e-3)[..., None], 0)
