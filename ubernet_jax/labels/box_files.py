"""Reading and validating files of boxes: VOC's XML annotations, and JSON files.

Every error names the file and the box, counted from 1.
"""

import math
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.json_file import read_json
from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.voc_xml import read_voc_xml


def read_boxes(
    path: pathlib.Path, classes: Sequence[str], size: tuple[int, int] | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads the objects in a file, at the precision of the file. Raises as `LabelKind.read`.

    Args:
      path: the file.
      classes: class names, starting with the background.
      size: height and width of the image, if known.

    Returns:
      Corners float64 (B, 4), class indices int64 (B,), and bool (B,), whether each is difficult.
    """
    is_json = path.suffix == '.json'
    try:
        entries = read_json(path) if is_json else read_voc_xml(path)
    except (MetricError, OSError) as error:
        raise UserError(f'{error}; correct the file, or get it again') from error
    if not isinstance(entries, list):
        raise UserError(f'{path} must hold a list of boxes, but holds {entries!r:.50}')
    boxes = [(f'{path}, box {number}', entry) for number, entry in enumerate(entries, 1)]
    corners = [_read_corners(what, entry, size) for what, entry in boxes]
    labels = [_read_class(what, entry, classes) for what, entry in boxes]
    difficult = [_read_difficult(what, entry) for what, entry in boxes]
    # `read_voc_xml` checks its files itself, before their coordinates count from 0.
    if is_json and corners and max(map(max, corners)) <= 1 and (size is None or max(size) > 1):
        raise UserError(
            f'{path}: all coordinates of its boxes are from 0 to 1, but they must be in pixels: '
            'multiply x by the width of the image and y by its height'
        )
    return (
        np.array(corners, np.float64).reshape(-1, 4),
        np.array(labels, np.int64),
        np.array(difficult, bool),
    )


def _read_corners(what: str, entry: Any, size: tuple[int, int] | None) -> tuple[float, ...]:
    box = _get(what, entry, 'box')
    try:
        if not isinstance(box, list) or not all(map(_is_number, box)):
            raise TypeError
        x1, y1, x2, y2 = corners = tuple(map(float, box))
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f'{what} is {box!r}; it must be four numbers [x1, y1, x2, y2]') from error
    if not all(map(math.isfinite, corners)):
        error = 'is not finite'
    elif x1 > x2 or y1 > y2:
        error = 'has x1 > x2 or y1 > y2'
    elif x1 == x2 or y1 == y2:
        error = 'has no area'
    elif min(x1, y1) < 0 or (size and (x2 > size[1] or y2 > size[0])):
        image = f'its image of {size[1]} x {size[0]} pixels' if size else 'its image'
        error = f'reaches out of {image}'
    else:
        return corners
    raise UserError(
        f'{what} {error}: it is [{x1:g}, {y1:g}, {x2:g}, {y2:g}] (x1, y1, x2, y2, counted from 0, '
        'x2 and y2 exclusive). Correct or remove it'
    )


def _is_number(value: Any) -> bool:
    """Whether a value in JSON is a number; text such as "12", and true and false, are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _read_class(what: str, entry: Any, classes: Sequence[str]) -> int:
    label = _get(what, entry, 'label')
    if label not in classes[1:]:
        raise UserError(
            f'{what} is of class {label!r}; known: {", ".join(classes[1:])}. '
            'Other classes are named in labels.json or boxes.txt for a folder to prepare, and '
            'with --classes for files to score'
        )
    return classes.index(label, 1)


def _read_difficult(what: str, entry: Any) -> bool:
    difficult = entry.get('difficult', False)
    if difficult not in (False, True):
        raise UserError(f'{what} has "difficult" {difficult!r}; allowed are false and true')
    return difficult


def _get(what: str, entry: Any, field: str) -> Any:
    if not isinstance(entry, dict) or field not in entry:
        raise UserError(f'{what} has no "{field}"; it needs "box" [x1, y1, x2, y2] and "label"')
    return entry[field]
