"""Reads the objects in a text file of YOLO: one line each, in shares of the sides of the image.

`CLASS CX CY WIDTH HEIGHT` is a box, `CLASS X Y X Y X Y ...` a polygon of three or more points.
"""

import math
import pathlib
from collections.abc import Sequence

from ubernet_jax.datasets.builders.class_maps import Mask, bounds
from ubernet_jax.datasets.builders.instances import SLACK, Corrections, Instance, check_inside
from ubernet_jax.errors import UserError
from ubernet_jax.labels.text_lists import read_text

_SIZE = (1.0, 1.0)
_BOX = 4  # numbers of a box


def read_lines(
    path: pathlib.Path, names: Sequence[str], named_by: pathlib.Path, corrections: Corrections
) -> list[Instance]:
    """Reads the objects of an image; an empty file has none.

    Args:
      path: the file.
      names: of the classes, without the background.
      named_by: the file that names the classes, for messages.
      corrections: counts what is changed.

    Raises:
      UserError: a line is wrong.
    """
    instances = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        words = line.split()
        if not words:
            continue
        what = f'{path}, line {number}'
        index = _read_class(what, words[0], names, named_by)
        values = _read_numbers(what, words[1:])
        mask = None if len(values) == _BOX else Mask(polygons=(values,))
        box = bounds(mask.polygons) if mask else _to_corners(what, values)
        cropped = corrections.crop(what, box, _SIZE, SLACK)
        if cropped is not None:
            instances.append(Instance(index=index, box=cropped, mask=mask))
    return instances


def _read_class(what: str, word: str, names: Sequence[str], named_by: pathlib.Path) -> int:
    try:
        index = int(word)
    except ValueError:
        index = -1
    if not 0 <= index < len(names):
        raise UserError(
            f'{what} starts with the class {word!r:.30}; allowed are 0 to {len(names) - 1}, the '
            f'{len(names)} classes that {named_by} names: correct the line, or the names'
        )
    return index + 1


def _read_numbers(what: str, words: Sequence[str]) -> tuple[float, ...]:
    try:
        values = tuple(map(float, words))
    except ValueError as error:
        raise UserError(f'{what} has another word than numbers: {error}; correct it') from error
    if len(values) < _BOX or len(values) % 2:
        raise UserError(
            f'{what} has {len(values)} numbers after the class; allowed are 4 (centre x and y, '
            'width, height) or, for a polygon, x and y of at least 3 points. Confidences and key '
            'points are not read: remove them'
        )
    if not all(map(math.isfinite, values)):
        raise UserError(f'{what} has a number that is not finite; correct it')
    if max(values) > 1 + SLACK:
        raise UserError(
            f'{what} has the number {max(values):g}; allowed are 0 to 1: divide x by the width of '
            'the image and y by its height'
        )
    if len(values) > _BOX:
        check_inside(what, values, _SIZE, SLACK)
    return values


def _to_corners(what: str, values: tuple[float, ...]) -> tuple[float, float, float, float]:
    x, y, width, height = values
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2
