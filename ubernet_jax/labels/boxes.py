"""Boxes: every object in an image, with its class.

A box is x1, y1, x2, y2 in pixels from the upper left corner of the image; x2 and y2 are exclusive:
its width is x2 - x1. VOC counts pixels from 1 and includes the last; `metrics/annotations.py`
converts as it reads.
"""

import dataclasses
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.labels.kind import (
    MAX_CLASSES,
    Grid,
    LabelKind,
    Part,
    Review,
    Survey,
    Window,
    register,
)
from ubernet_jax.metrics.annotations import read_entries
from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.visualize.boxes import draw_boxes
from ubernet_jax.visualize.style import Style

MIN_VISIBLE = 0.25  # share of a box's area that a crop must leave; less shows too little


@dataclasses.dataclass(slots=True, kw_only=True)
class BoxSet:
    """The objects in one image; none at all is a label too.

    Attributes:
      corners: float32 (B, 4), within the image.
      classes: uint8 (B,), class index, 1..C-1.
      difficult: bool (B,); these are neither trained on nor counted (PASCAL VOC).
    """

    corners: np.ndarray
    classes: np.ndarray
    difficult: np.ndarray

    def __len__(self) -> int:
        return len(self.corners)

    def __getitem__(self, chosen: np.ndarray) -> 'BoxSet':
        """Those of an index array or a mask (B,)."""
        return BoxSet(
            corners=self.corners[chosen],
            classes=self.classes[chosen],
            difficult=self.difficult[chosen],
        )

    def areas(self) -> np.ndarray:
        """float32 (B,), in pixels."""
        return (self.corners[:, 2:] - self.corners[:, :2]).prod(axis=1)


@register
@dataclasses.dataclass(frozen=True, kw_only=True)
class Boxes(LabelKind):
    """Boxes with classes.

    Attributes:
      classes: their names, the background first; empty where they are not known yet.
    """

    name: ClassVar[str] = 'boxes'
    suffixes: ClassVar[tuple[str, ...]] = ('.json',)
    has_classes: ClassVar[bool] = True
    rotates: ClassVar[bool] = False  # an upright box around a rotated one is too large
    parts: ClassVar[Mapping[str, Part]] = {
        'corners': Part(dtype=np.float32, shape=(None, 4)),
        'classes': Part(dtype=np.uint8, shape=(None,)),
        'difficult': Part(dtype=np.bool_, shape=(None,)),
    }
    classes: tuple[str, ...] = ()

    def read(self, path: pathlib.Path, size: tuple[int, int] | None = None) -> BoxSet:
        """VOC's `ID.xml`, or `ID.json` as in data/README.md. Raises as `LabelKind.read`."""
        corners, classes, difficult = read_boxes(path, self.classes, size)
        return BoxSet(
            corners=corners.astype(np.float32),
            classes=classes.astype(np.uint8),
            difficult=difficult,
        )

    def pack(self, label: BoxSet) -> dict[str, np.ndarray]:
        return dataclasses.asdict(label)

    def unpack(self, parts: Mapping[str, np.ndarray]) -> BoxSet:
        return BoxSet(**parts)

    def count(self, label: BoxSet) -> int:
        """Those that are not difficult."""
        return int((~label.difficult).sum())

    def flip(self, label: BoxSet, width: int) -> BoxSet:
        x1, y1, x2, y2 = label.corners.T
        return dataclasses.replace(label, corners=np.stack([width - x2, y1, width - x1, y2], 1))

    def resize(self, label: BoxSet, grid: Grid) -> BoxSet:
        # Rounded only once: a box at the border must not reach over it.
        corners = (label.corners * np.tile(grid.factors, 2)).astype(np.float32)
        return dataclasses.replace(label, corners=corners)

    def crop(self, label: BoxSet, window: Window) -> BoxSet:
        """Cuts boxes too, and drops those of which less than `MIN_VISIBLE` is left."""
        rows, columns = window
        offset = np.float32([columns.start, rows.start] * 2)
        limit = np.float32([columns.stop, rows.stop] * 2) - offset
        cut = dataclasses.replace(label, corners=np.clip(label.corners - offset, 0, limit))
        return cut[cut.areas() >= MIN_VISIBLE * label.areas()]

    def check(self, label: BoxSet, size: tuple[int, int]) -> list[str]:
        errors = []
        beyond = label.corners > np.array([*size[::-1], *size[::-1]])
        empty = ~(label.corners[:, :2] < label.corners[:, 2:])  # also of NaN
        if (label.corners < 0).any() or beyond.any() or empty.any():
            errors.append('has a box without area, or one that reaches out of the image')
        limit = len(self.classes) or MAX_CLASSES
        wrong = label.classes[(label.classes == 0) | (label.classes >= limit)]
        errors += [f'has class {one}; allowed are 1 to {limit - 1}' for one in wrong[:1]]
        return errors

    def survey(self, label: BoxSet) -> Survey:
        return {
            'classes': np.bincount(label.classes, minlength=256).tolist(),
            'difficult': [int(label.difficult.sum())],
        }

    def review(self, total: Survey) -> Review:
        boxes = sum(total['classes'])
        found = [index for index, count in enumerate(total['classes']) if count]
        return Review(
            notes=() if boxes else ('no image has a box',),
            void=total['difficult'][0] / max(1, boxes),
            values=f'{found[0]}-{found[-1]}' if found else '',
        )

    def draw(self, label: BoxSet, image: np.ndarray, style: Style) -> np.ndarray:
        """Over the photograph, each with its class; also of scored boxes, best on top."""
        return draw_boxes(
            image,
            label.corners,
            [self.classes[index] for index in label.classes],
            label.classes,
            getattr(label, 'scores', None),
            style.score,
        )


def read_boxes(
    path: pathlib.Path, classes: Sequence[str], size: tuple[int, int] | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The objects in a file, in the file's own precision. Raises as `LabelKind.read`.

    Args:
      path: the file.
      classes: their names, the background first.
      size: height and width of the image, where they are known.

    Returns:
      Corners float64 (B, 4), class indices int64 (B,), and bool (B,), which are difficult.
    """
    try:
        entries = read_entries(path)
    except MetricError as error:
        raise UserError(f'{error}; correct the file, or get it again') from error
    if not isinstance(entries, list):
        raise UserError(f'{path} must hold a list of boxes, but holds {entries!r:.50}')
    boxes = [(f'{path}, box {number}', entry) for number, entry in enumerate(entries, 1)]
    corners = [_read_corners(what, entry, size) for what, entry in boxes]
    labels = [_read_class(what, entry, classes) for what, entry in boxes]
    difficult = [_read_difficult(what, entry) for what, entry in boxes]
    return (
        np.array(corners, np.float64).reshape(-1, 4),
        np.array(labels, np.int64),
        np.array(difficult, bool),
    )


def _read_corners(what: str, entry: Any, size: tuple[int, int] | None) -> tuple[float, ...]:
    box = _get(what, entry, 'box')
    try:
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
        error = 'reaches out of its image' + (f' of {size[1]} x {size[0]} pixels' if size else '')
    else:
        return corners
    raise UserError(
        f'{what} {error}: it is [{x1:g}, {y1:g}, {x2:g}, {y2:g}] (x1, y1, x2, y2, counted from 0, '
        'x2 and y2 exclusive). Correct or remove it'
    )


def _read_class(what: str, entry: Any, classes: Sequence[str]) -> int:
    label = _get(what, entry, 'label')
    if label not in classes[1:]:
        raise UserError(
            f'{what} is of class {label!r}; known: {", ".join(classes[1:])}. '
            "A folder's own classes are named in its labels.json or boxes.txt, those of files to "
            'score by --classes'
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
