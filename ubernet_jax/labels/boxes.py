"""Boxes: every object in an image, with its class.

A box is x1, y1, x2, y2 in pixels from the upper left corner of the image; x2 and y2 are exclusive,
so that its width is x2 - x1. VOC counts pixels from 1 and includes the last pixel;
`metrics/voc_xml.py` converts its boxes when it reads them.
"""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from ubernet_jax.labels.box_files import read_boxes
from ubernet_jax.labels.class_palette import choose_palette, palette_fields
from ubernet_jax.labels.grid import ScaledGrid, Window
from ubernet_jax.labels.kind import MAX_CLASSES, LabelKind, Part
from ubernet_jax.labels.registry import register
from ubernet_jax.labels.review import Review, Survey
from ubernet_jax.visualize.boxes import draw_boxes
from ubernet_jax.visualize.style import Style

MIN_VISIBLE = 0.25  # share of its area that a box must keep in a crop; a smaller rest is dropped


@dataclasses.dataclass(slots=True, kw_only=True)
class BoxSet:
    """The objects in one image; an empty set is a valid label.

    Attributes:
      corners: float32 (B, 4), within the image.
      classes: uint8 (B,), class index, 1..C-1.
      difficult: bool (B,); difficult boxes are neither trained on nor counted (PASCAL VOC).
    """

    corners: np.ndarray
    classes: np.ndarray
    difficult: np.ndarray

    def __len__(self) -> int:
        return len(self.corners)

    def __getitem__(self, chosen: np.ndarray) -> Self:
        """Selects boxes by an index array or a mask (B,)."""
        parts = dataclasses.asdict(self)
        return dataclasses.replace(self, **{name: part[chosen] for name, part in parts.items()})

    def areas(self) -> np.ndarray:
        """Returns the areas, float32 (B,), in square pixels."""
        return (self.corners[:, 2:] - self.corners[:, :2]).prod(axis=1)


@register
@dataclasses.dataclass(frozen=True, kw_only=True)
class Boxes(LabelKind):
    """Boxes with classes.

    Attributes:
      classes: class names, starting with the background; empty where they are not known yet.
    """

    name: ClassVar[str] = 'boxes'
    suffixes: ClassVar[tuple[str, ...]] = ('.json',)
    has_classes: ClassVar[bool] = True
    rotates: ClassVar[bool] = False  # an upright box around a rotated box is too large
    parts: ClassVar[Mapping[str, Part]] = {
        'corners': Part(dtype=np.float32, shape=(None, 4)),
        'classes': Part(dtype=np.uint8, shape=(None,)),
        'difficult': Part(dtype=np.bool_, shape=(None,)),
    }
    classes: tuple[str, ...] = ()

    def read(self, path: pathlib.Path, size: tuple[int, int] | None = None) -> BoxSet:
        """Reads VOC's `ID.xml`, or `ID.json` as in data/README.md. Raises as `LabelKind.read`."""
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
        """Returns the number of boxes that are not difficult."""
        return int((~label.difficult).sum())

    def flip(self, label: BoxSet, width: int) -> BoxSet:
        x1, y1, x2, y2 = label.corners.T
        return dataclasses.replace(label, corners=np.stack([width - x2, y1, width - x1, y2], 1))

    def resize(self, label: BoxSet, grid: ScaledGrid) -> BoxSet:
        # Rounded only once, so that a box at the border does not reach out of the image.
        corners = (label.corners * np.tile(grid.factors, 2)).astype(np.float32)
        return dataclasses.replace(label, corners=corners)

    def crop(self, label: BoxSet, window: Window) -> BoxSet:
        """Crops the boxes, and drops those that keep less than `MIN_VISIBLE` of their area."""
        rows, columns = window
        offset = np.array([columns.start, rows.start] * 2, np.float32)
        limit = np.array([columns.stop, rows.stop] * 2, np.float32) - offset
        cropped = dataclasses.replace(label, corners=np.clip(label.corners - offset, 0, limit))
        return cropped[cropped.areas() >= MIN_VISIBLE * label.areas()]

    def check(self, label: BoxSet, size: tuple[int, int]) -> list[str]:
        errors = []
        beyond = label.corners > np.array([*size[::-1], *size[::-1]])
        empty = ~(label.corners[:, :2] < label.corners[:, 2:])  # also of NaN
        if (label.corners < 0).any() or beyond.any() or empty.any():
            errors.append('has a box without area, or a box that reaches out of the image')
        limit = len(self.classes) or MAX_CLASSES
        wrong = label.classes[(label.classes == 0) | (label.classes >= limit)]
        errors += [f'has class {index}; allowed are 1 to {limit - 1}' for index in wrong[:1]]
        return errors

    def survey(self, label: BoxSet) -> Survey:
        return {
            'classes': np.bincount(label.classes, minlength=256).tolist(),
            'difficult': [int(label.difficult.sum())],
        }

    def review(self, total: Survey) -> Review:
        boxes = sum(total['classes'])
        present = [index for index, count in enumerate(total['classes']) if count]
        return Review(
            notes=() if boxes else ('no image has a box',),
            void=total['difficult'][0] / max(1, boxes),
            values=f'{present[0]}-{present[-1]}' if present else '',
        )

    @property
    def style_fields(self) -> tuple[str, ...]:
        return 'score', *palette_fields(self.classes)

    def draw(self, label: Any, image: np.ndarray, style: Style) -> np.ndarray:
        """Draws boxes with their classes over the image.

        The label is a `BoxSet`, or an object with `corners`, `classes` and `scores`, by descending
        score; boxes of higher score are drawn on top.
        """
        palette = choose_palette(self.classes, style)
        return draw_boxes(
            image,
            label.corners,
            [self.classes[index] for index in label.classes],
            [tuple(palette[index].tolist()) for index in label.classes],
            getattr(label, 'scores', None),
            style.score,
        )
