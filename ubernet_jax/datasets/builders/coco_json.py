"""Reads the objects in annotation files of COCO's format, "instances".

Errors name the file, the list and the entry in it, counted from 0 as in the file, and its id.
"""

import collections
import dataclasses
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeGuard

from ubernet_jax.datasets.builders.class_maps import Mask, bounds
from ubernet_jax.datasets.builders.coco_runs import read_runs
from ubernet_jax.datasets.builders.instances import SLACK, Corrections, Instance, check_inside
from ubernet_jax.errors import UserError
from ubernet_jax.file_names import is_text
from ubernet_jax.json_file import read_json

_MAX_BYTES = 2**30  # the largest published file has 0.45 GB
_LARGEST = 1e9  # number in a box or mask
_LISTS = ('images', 'annotations', 'categories')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An annotation file, whose entries are objects with an id.

    Attributes:
      path: the file.
      images: id -> entry, sorted by id.
      annotations: where each is in the file, and its entry.
      categories: id -> name, sorted by id.
      placeholders: names of categories that only group the others.
    """

    path: pathlib.Path
    images: Mapping[Any, dict[str, Any]]
    annotations: Sequence[tuple[str, dict[str, Any]]]
    categories: Mapping[Any, str]
    placeholders: frozenset[str]


def read_document(path: pathlib.Path) -> Document:
    """Reads an annotation file and checks its lists.

    Raises:
      UserError: it is not JSON, not of this format, or has an id twice.
    """
    try:
        content = read_json(path, _MAX_BYTES)
    except OSError as error:
        raise UserError(f'{error}; correct the file, or get it again') from error
    if not isinstance(content, dict) or not all(isinstance(content.get(n), list) for n in _LISTS):
        got = ', '.join(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise UserError(
            f'{path} is not an annotation file of COCO: it needs the lists {", ".join(_LISTS)}, '
            f'but has {got:.80}; export it as COCO instances'
        )
    images, annotations, categories = (
        [(f'{path}: {name}[{number}]', entry) for number, entry in enumerate(content[name])]
        for name in _LISTS
    )
    for what, entry in (*images, *annotations, *categories):
        if not isinstance(entry, dict):
            raise UserError(f'{what} is {entry!r:.50}; it must be an object in braces')
    by_id = _index(categories)
    names = {key: _get(what, entry, 'name', str) for key, (what, entry) in by_id.items()}
    used = {_hashable(entry.get('category_id')) for _, entry in annotations}
    groups = {str(entry.get('supercategory')) for _, entry in by_id.values()}
    return Document(
        path=path,
        images={key: entry for key, (_, entry) in _index(images).items()},
        annotations=annotations,
        categories=names,
        placeholders=frozenset(
            name
            for key, name in names.items()
            if key not in used and (name in groups or name == 'background')
        ),
    )


def read_objects(
    document: Document,
    index: Mapping[str, int],
    corrections: Corrections,
    *,
    masks: bool = True,
    slack: float = SLACK,
) -> dict[Any, list[Instance]]:
    """Maps the ids of images to their objects, in pixels.

    Args:
      document: the file.
      index: name of a category -> class index.
      corrections: counts what is changed.
      masks: whether masks are read.
      slack: see `instances.SLACK`.

    Raises:
      UserError: an entry is wrong.
    """
    sizes = {key: image_size(document, key) for key in document.images}
    objects: dict[Any, list[Instance]] = collections.defaultdict(list)
    for what, entry in document.annotations:
        if 'segments_info' in entry:
            raise UserError(f'{what} is panoptic; only instances are read: export as instances')
        if 'id' in entry:
            what = f'{what} (id {entry["id"]!r:.30})'
        image, category = (_hashable(entry.get(field)) for field in ('image_id', 'category_id'))
        if image not in sizes:
            raise UserError(
                f'{what} has the image_id {image!r:.30}, but no image of the file has this id; '
                'remove the annotation or add the image'
            )
        if category not in document.categories:
            known = ', '.join(f'{key} {name}' for key, name in document.categories.items())
            raise UserError(
                f'{what} has the category_id {category!r:.30}; known categories: {known:.200}. '
                'Correct it, or add the category to "categories"'
            )
        mask = _read_mask(what, entry, sizes[image], slack) if masks else None
        box = corrections.crop(what, _read_box(what, entry, mask), sizes[image], slack)
        if box is None:
            continue
        crowd = entry.get('iscrowd', 0)
        if crowd not in (0, 1):
            raise UserError(f'{what} has iscrowd {crowd!r:.30}; allowed are 0 and 1')
        if crowd and _is_brush(entry):
            corrections['masks painted in CVAT, which marks them as crowds, are objects'] += 1
            crowd = 0
        elif crowd:
            corrections['boxes around crowds are difficult: neither trained on nor counted'] += 1
        index_ = index[document.categories[category]]
        instance = Instance(index=index_, box=box, mask=mask, difficult=bool(crowd))
        objects[image].append(instance)
    return objects


def image_size(document: Document, key: Any) -> tuple[int, int]:
    """Returns height and width of an image; raises a UserError if they are not known."""
    entry = document.images[key]
    height, width = entry.get('height'), entry.get('width')
    if not _is_side(height) or not _is_side(width):
        raise UserError(
            f'{document.path}: the image with the id {key!r:.30} has the height {height!r:.20} '
            f'and the width {width!r:.20}; both must be positive integers: export the '
            'annotations together with the images'
        )
    return height, width


def _is_side(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_brush(entry: Mapping[str, Any]) -> bool:
    """Whether an annotation is a mask painted in CVAT, which writes all of them as crowds.

    CVAT writes `attributes` with `occluded` for every object, and a mask as a list of run lengths.
    """
    attributes = entry.get('attributes')
    return isinstance(attributes, dict) and 'occluded' in attributes


def _read_box(
    what: str, entry: Mapping[str, Any], mask: Mask | None
) -> tuple[float, float, float, float]:
    if 'bbox' not in entry and mask and mask.polygons:
        return bounds(mask.polygons)
    box = entry.get('bbox')
    if not isinstance(box, list) or len(box) != 4:
        raise UserError(f'{what} has the bbox {box!r:.50}; it must be [x, y, width, height]')
    x, y, width, height = _numbers(what, 'bbox', box)
    return x, y, x + width, y + height


def _read_mask(
    what: str, entry: Mapping[str, Any], size: tuple[int, int], slack: float
) -> Mask | None:
    mask = entry.get('segmentation')
    if not mask:  # CVAT and Label Studio write [] for a box
        return None
    if isinstance(mask, dict):
        return Mask(runs=read_runs(what, mask, size))
    if not isinstance(mask, list) or not all(isinstance(polygon, list) for polygon in mask):
        raise UserError(
            f'{what} has the segmentation {mask!r:.50}; it must be a list of polygons '
            '[[x, y, x, y, ...], ...], or {"counts": ..., "size": [height, width]}'
        )
    polygons = tuple(_numbers(what, 'segmentation', polygon) for polygon in mask)
    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2:
            raise UserError(
                f'{what} has a polygon of {len(polygon)} numbers; it needs x and y of at least '
                '3 points. Correct or remove it'
            )
        check_inside(what, polygon, size, slack)
    return Mask(polygons=polygons)


def _index(entries: Iterable[tuple[str, dict[str, Any]]]) -> dict[Any, tuple[str, dict[str, Any]]]:
    """Maps ids to where an entry is and the entry, sorted by id."""
    by_id: dict[Any, tuple[str, dict[str, Any]]] = {}
    for what, entry in entries:
        key = entry.get('id')
        if not isinstance(key, int | str):
            raise UserError(f'{what} has the id {key!r:.30}; it must be a number or a text')
        if key in by_id:
            raise UserError(f'{what} has the id {key!r:.30}, as has {by_id[key][0]}; ids differ')
        by_id[key] = what, entry
    return dict(sorted(by_id.items(), key=lambda item: (isinstance(item[0], str), item[0])))


def _get(what: str, entry: Mapping[str, Any], field: str, kind: type) -> Any:
    value = entry.get(field)
    if not isinstance(value, kind) or not value:
        raise UserError(f'{what} has the {field} {value!r:.50}; it must be a {kind.__name__}')
    return value


def file_name(document: Document, key: Any) -> str:
    """Returns the file name of an image; raises a UserError if it has none."""
    what = f'{document.path}: the image with the id {key!r:.30}'
    name = _get(what, document.images[key], 'file_name', str)
    if not is_text(pathlib.PurePath(name)) or '\0' in name:
        raise UserError(f'{what} has the file_name {name!r:.50}, which is not valid text')
    return name


def _hashable(value: Any) -> Any:
    return value if isinstance(value, int | str) else repr(value)


def _numbers(what: str, field: str, values: list[Any]) -> tuple[float, ...]:
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not abs(value) < _LARGEST:  # also NaN
            raise UserError(f'{what} has {value!r:.30} in its {field}; it must be a finite number')
    return tuple(map(float, values))
