"""Reading the boxes of an image; whatever is wrong with one is a `UserError` that says which.

The files are VOC's XML or the folder layout's JSON. VOC counts pixels from 1 and includes the last;
`metrics/annotations.py` converts as it reads, here and for the evaluators. Nothing converts back:
what the package itself writes counts from 0 and excludes the last.
"""

import math
import pathlib
from typing import Any

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.metrics.annotations import read_entries
from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.structs import Boxes
from ubernet_jax.tasks import Task


def read_boxes(path: pathlib.Path, task: Task, image: np.ndarray) -> Boxes:
    """The boxes of one image.

    Args:
      path: VOC's `ID.xml`, or `ID.json` as data/README.md describes it.
      task: its classes are the known ones, without the first, the background.
      image: (H, W, ...), in which the boxes must lie.

    Raises:
      UserError: the file is broken; or a box of it lacks something, is of an unknown class, has no
        area, or reaches out of the image.
    """
    try:
        entries = read_entries(path)
    except MetricError as error:
        raise UserError(f'{error}; correct the file, or get it again') from error
    if not isinstance(entries, list):
        raise UserError(f'{path} must hold a list of boxes, but holds {entries!r:.50}')
    boxes = [(f'{path}, box {number}', entry) for number, entry in enumerate(entries, 1)]
    corners = [_read_corners(what, entry, image) for what, entry in boxes]
    classes = [_read_class(what, entry, task) for what, entry in boxes]
    difficult = [_read_difficult(what, entry) for what, entry in boxes]
    return Boxes(
        corners=np.array(corners, np.float32).reshape(-1, 4),
        classes=np.array(classes, np.uint8),
        difficult=np.array(difficult, bool),
    )


def _read_corners(what: str, entry: Any, image: np.ndarray) -> tuple[float, ...]:
    box = _get(what, entry, 'box')
    try:
        x1, y1, x2, y2 = corners = tuple(map(float, box))
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f'{what} is {box!r}; it must be four numbers [x1, y1, x2, y2]') from error
    height, width = image.shape[:2]
    if not all(map(math.isfinite, corners)):
        fault = 'is not finite'
    elif x1 > x2 or y1 > y2:
        fault = 'has x1 > x2 or y1 > y2'
    elif x1 == x2 or y1 == y2:
        fault = 'has no area'
    elif min(x1, y1) < 0 or x2 > width or y2 > height:
        fault = f'reaches out of its image of {width} x {height} pixels'
    else:
        return corners
    raise UserError(
        f'{what} {fault}: it is [{x1:g}, {y1:g}, {x2:g}, {y2:g}] (x1, y1, x2, y2, counted from 0, '
        'x2 and y2 exclusive). Correct or remove it'
    )


def _read_class(what: str, entry: Any, task: Task) -> int:
    label = _get(what, entry, 'label')
    if label not in task.classes[1:]:
        raise UserError(
            f'{what} is of class {label!r}; known: {", ".join(task.classes[1:])}. '
            "A folder's own classes are named in its boxes.txt"
        )
    return task.classes.index(label)


def _read_difficult(what: str, entry: Any) -> bool:
    difficult = entry.get('difficult', False)
    if difficult not in (False, True):
        raise UserError(f'{what} has "difficult" {difficult!r}; allowed are false and true')
    return difficult


def _get(what: str, entry: Any, field: str) -> Any:
    if not isinstance(entry, dict) or field not in entry:
        raise UserError(f'{what} has no "{field}"; it needs "box" [x1, y1, x2, y2] and "label"')
    return entry[field]
