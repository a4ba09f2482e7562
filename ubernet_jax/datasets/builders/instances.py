"""Labelled objects, each with a box and possibly a mask, as annotation tools export them."""

import collections
import dataclasses
import pathlib

import numpy as np

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.class_maps import Mask, draw_class_map
from ubernet_jax.datasets.builders.files import image_id, read_image
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.labels import Boxes, ClassMap, LabelKind
from ubernet_jax.labels.boxes import BoxSet
from ubernet_jax.photographs import Exif

BOXES, MASKS = 'detection', 'segmentation'  # names of the labels
BACKGROUND = 'background'  # the class before those of the files
SLACK = 0.01  # share of the side of an image by which a box or point may reach out of it

Box = tuple[float, float, float, float]  # x1, y1, x2, y2; x2 and y2 are exclusive


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A labelled object; in pixels, or in shares of the sides of its image.

    Attributes:
      index: of its class, 1..C-1.
      box: around it.
      mask: its pixels; None if only the box is known.
      difficult: whether the box is neither trained on nor counted.
    """

    index: int
    box: Box
    mask: Mask | None = None
    difficult: bool = False

    def scale(self, width: int, height: int) -> 'Instance':
        """Converts shares of the sides to pixels."""
        x1, y1, x2, y2 = self.box
        box = x1 * width, y1 * height, x2 * width, y2 * height
        mask = self.mask and self.mask.scale(width, height)
        return dataclasses.replace(self, box=box, mask=mask)


# Image file; its height and width as annotated, or None if the objects are in shares of the sides;
# the objects; which of the labels `BOXES` and `MASKS` the image has; and its label file, if any.
Item = tuple[pathlib.Path, tuple[int, int] | None, list[Instance], list[str], list[pathlib.Path]]


class InstanceBuilder(Builder, skip_registration=True):
    """Reads boxes and class maps from the objects of each image."""

    def read(self, item: Item, exif: Exif = Exif.REFUSE) -> tuple[Example, bytes]:
        path, size, instances, names, _ = item
        if not names and exif == Exif.REFUSE:
            exif = Exif.APPLY  # without labels, the image is right as it is shown
        image, encoded_image = read_image(path, exif)
        height, width = image.shape[:2]
        if size is None:
            instances = [instance.scale(width, height) for instance in instances]
        elif size != (height, width):
            raise UserError(
                f'{path} has {width} x {height} pixels, but its annotation has {size[1]} x '
                f'{size[0]}: one of them was scaled or replaced; get both from the same export'
            )
        labels = {}
        if BOXES in names:
            labels[BOXES] = _to_boxes(instances, height, width)
        if MASKS in names:
            objects = [(instance.index, instance.mask) for instance in instances]
            labels[MASKS] = draw_class_map(objects, (height, width), str(path))
        return Example(id=image_id(path), image=image, labels=labels), encoded_image

    def use_classes(self, classes: tuple[str, ...], items: list[Item]) -> None:
        """Sets the kinds of the labels, and which images of `items` have a class map.

        An image with an object without a mask has none, because its class map would be wrong.
        """
        kinds: dict[str, LabelKind] = {BOXES: Boxes(classes=classes)}
        self.labels = kinds
        if not any(instance.mask for _, _, instances, _, _ in items for instance in instances):
            return
        kinds[MASKS] = ClassMap(classes=classes)
        without = 0
        for _, _, instances, names, _ in items:
            if names and all(instance.mask for instance in instances):
                names.append(MASKS)
            else:
                without += bool(names)
        if without:
            self.remarks.append(
                f'{without} images have an object with a box but no mask, and thus no {MASKS}'
            )


class Corrections(collections.Counter[str]):
    """Counts what is changed while objects are read, by a description of the change."""

    def crop(self, what: str, box: Box, size: tuple[float, float], slack: float) -> Box | None:
        """Crops a box to its image of `size` (height, width); None if nothing of it is left.

        Raises:
          UserError: the box is inverted, or reaches out by more than the share `slack` of a side.
        """
        x1, y1, x2, y2 = box
        height, width = size
        if x1 > x2 or y1 > y2:
            raise UserError(f'{what} has a box of negative size, {_format(box)}; correct it')
        check_inside(what, (x1, y1, x2, y2), size, slack)
        cropped = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
        if cropped[0] >= cropped[2] or cropped[1] >= cropped[3]:
            self['objects without area were dropped'] += 1
            return None
        if cropped != box:
            self['boxes that reach out of their images were cropped'] += 1
        return cropped

    def describe(self) -> list[str]:
        """Describes every change with its count."""
        return [f'{count} {change}' for change, count in sorted(self.items())]


def check_inside(
    what: str, points: tuple[float, ...], size: tuple[float, float], slack: float
) -> None:
    """Raises a UserError if a point is outside of its image by more than a share of its side.

    Args:
      what: the object, for the message.
      points: x, y, x, y, ...
      size: height and width.
      slack: the share that is allowed.
    """
    height, width = size
    x, y = points[::2], points[1::2]
    if (
        min(x) < -slack * width
        or min(y) < -slack * height
        or max(x) > (1 + slack) * width
        or max(y) > (1 + slack) * height
    ):
        raise UserError(
            f'{what} reaches out of its image: x is {min(x):g} to {max(x):g}, allowed are 0 to '
            f'{width:g}; y is {min(y):g} to {max(y):g}, allowed are 0 to {height:g}. Correct or '
            'remove it; if all objects are like this, the image was scaled after it was annotated'
        )


def refuse_same_ids(items: list[Item]) -> None:
    """Raises a UserError if two images of a split have the same id, the name of their file."""
    seen: dict[str, pathlib.Path] = {}
    for path, *_ in items:
        other = seen.setdefault(image_id(path), path)
        if other is not path:
            raise UserError(
                f'{other} and {path} have the same id, {image_id(path)}; rename one of them, also '
                'in its annotation'
            )


def _to_boxes(instances: list[Instance], height: int, width: int) -> BoxSet:
    corners = np.array([instance.box for instance in instances], np.float64).reshape(-1, 4)
    boxes = BoxSet(
        # Scaling may round beyond the border.
        corners=np.clip(corners, 0, [width, height] * 2).astype(np.float32),
        classes=np.array([instance.index for instance in instances], np.uint8),
        difficult=np.array([instance.difficult for instance in instances], bool),
    )
    return boxes[boxes.areas() > 0]


def _format(box: Box) -> str:
    return f'[{", ".join(f"{value:g}" for value in box)}] (x1, y1, x2, y2)'
