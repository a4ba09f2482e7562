"""One task's predictions or labels as a picture."""

import functools
from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image

from ubernet_jax.structs import Boxes, Detections
from ubernet_jax.tasks import VOID, LabelKind, Task
from ubernet_jax.visualize.boxes import draw_boxes
from ubernet_jax.visualize.crests import draw_crests
from ubernet_jax.visualize.palette import PALETTE, Colour
from ubernet_jax.visualize.style import DEFAULT_STYLE, Style

VISIBLE = 0.25  # the least strength at which a boundary's class is in the legend
NOTABLE = 0.001  # the least share of the picture that brings a class into the legend
BAND = 1 << 20  # pixels drawn at a time: bounds the memory of temporaries at any picture size


def picture(
    task: Task,
    result: np.ndarray | Boxes | Detections,
    *,
    strength: np.ndarray | None = None,
    image: np.ndarray | None = None,
    style: Style = DEFAULT_STYLE,
) -> np.ndarray:
    """Draws a prediction or a label of one task.

    Args:
      task: says how it is drawn.
      result: (H, W) or (H, W, 3) as `Predictions` or `Example.labels` hold it: class indices as
        uint8, shares as uint8 0..255, probabilities as floats 0..1, directions as floats; or boxes.
      strength: float (H, W), 0..1; how strongly a predicted semantic boundary is drawn.
      image: uint8 (H, W, 3); class regions are laid over it, and boxes, which cannot do without it.
      style: what may be drawn otherwise.

    Returns:
      uint8 (H, W, 3), RGB. Pixels without a label are beige (classes) or grey (directions).

    Raises:
      ValueError: the arrays differ in height or width.
    """
    if task.label is LabelKind.BOXES:
        return draw_boxes(image, result, task.classes, style.score)
    for other in (strength, image):
        if other is not None and other.shape[:2] != result.shape[:2]:
            raise ValueError(
                f'{task.name}: the result has {result.shape[:2]} pixels, but the strength or the '
                f'image drawn with it has {other.shape[:2]}'
            )
    if task.label is LabelKind.DIRECTION:
        return _in_bands(_draw_directions, result)
    if task.label is LabelKind.SHARE:
        if task.thin and style.thickness and result.dtype != np.uint8:
            result, _ = draw_crests(result, np.zeros(result.shape, np.uint8), style.thickness)
        return _in_bands(_draw_ink if task.thin else _draw_light, result)
    if task.thin:
        if strength is not None and style.thickness:
            strength, result = draw_crests(strength, result, style.thickness)
        return _in_bands(_draw_class_boundaries, result, strength)
    return _in_bands(functools.partial(_draw_classes, opacity=style.opacity), result, image)


def _in_bands(draw: Callable[..., np.ndarray], *arrays: np.ndarray | None) -> np.ndarray:
    height, width = arrays[0].shape[:2]
    canvas = np.empty((height, width, 3), np.uint8)
    step = max(1, BAND // width)
    for top in range(0, height, step):
        rows = slice(top, top + step)
        canvas[rows] = draw(*(array if array is None else array[rows] for array in arrays))
    return canvas


def _to_bytes(share: np.ndarray) -> np.ndarray:
    """0..1 as 0..255, rounded to the nearest; bytes stay as they are."""
    if share.dtype == np.uint8:
        return share
    return (np.clip(share, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def _draw_directions(directions: np.ndarray) -> np.ndarray:
    return _to_bytes((directions + np.float32(1)) / np.float32(2))


def _draw_light(share: np.ndarray) -> np.ndarray:
    return _to_bytes(share)[..., np.newaxis]


def _draw_ink(share: np.ndarray) -> np.ndarray:
    return 255 - _draw_light(share)


def _draw_classes(classes: np.ndarray, image: np.ndarray | None, opacity: float) -> np.ndarray:
    colours = PALETTE[classes]
    if image is None:
        return colours
    return _mix(image, colours, np.where(classes == 0, np.float32(0), np.float32(opacity)))


def _draw_class_boundaries(classes: np.ndarray, strength: np.ndarray | None) -> np.ndarray:
    opacity = (classes != 0).astype(np.float32)
    if strength is not None:
        opacity *= strength
    return _mix(np.full((1, 1, 3), 255, np.uint8), PALETTE[classes], opacity)


def _mix(below: np.ndarray, above: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    opacity = opacity[..., np.newaxis]
    mixed = below * (1 - opacity) + above * opacity
    return (mixed + np.float32(0.5)).astype(np.uint8)


def legend(
    task: Task, result: np.ndarray | Boxes | Detections, *, strength: np.ndarray | None = None
) -> dict[str, Colour]:
    """The classes to be seen in `picture(task, result, ...)`, without the background.

    Classes of a few stray pixels (less than `NOTABLE` of the picture) are left out.

    Args:
      task: its class names; tasks that are not drawn in class colours have no legend, nor have
        boxes, which carry their names.
      result: uint8 (H, W), class index, if it is a task of classes.
      strength: float (H, W), 0..1; boundaries fainter than `VISIBLE` do not count.

    Returns:
      class name (or 'void') -> RGB colour, in the order of the classes.
    """
    if task.label is not LabelKind.CLASSES:
        return {}
    visible = None if strength is None else Image.fromarray(strength >= VISIBLE)
    counts = Image.fromarray(result).histogram(visible)
    return class_colours(task, (i for i, n in enumerate(counts) if n > NOTABLE * result.size))


def class_colours(task: Task, indices: Iterable[int]) -> dict[str, Colour]:
    """Class name (or 'void') -> RGB colour, of class indices; the background has none."""
    names = dict(enumerate(task.classes)) | {VOID: 'void'}
    return {names[index]: tuple(PALETTE[index].tolist()) for index in indices if index != 0}
