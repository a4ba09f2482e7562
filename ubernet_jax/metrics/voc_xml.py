"""Reads the boxes in VOC's XML annotations.

VOC counts pixels from 1 and includes x2 and y2. The module `boxes` and the results of this module
count from 0 and exclude them.
"""

import pathlib
from typing import Any
from xml.etree import ElementTree

from ubernet_jax.metrics.file_bytes import read_bytes
from ubernet_jax.metrics.metric import MetricError

_CORNERS = ('xmin', 'ymin', 'xmax', 'ymax')
_DIFFICULT = {'0': False, 'false': False, '1': True, 'true': True}
# Elements that describe objects, in VOC's annotations only inside `object`.
_SHAPES = {'bndbox', 'box', 'polygon', 'polyline', 'points', 'xmin'}
_MAX_BYTES = 2**24  # elements take up to 25 times as much memory


class _TreeBuilder(ElementTree.TreeBuilder):
    def doctype(self, *declaration: object) -> None:
        """Refuses document types, which define entities; these may expand to any size."""
        raise ValueError('it has a document type, which annotations of VOC do not have')


def read_voc_xml(path: pathlib.Path) -> list[dict[str, Any]]:
    """Reads the objects of an annotation, as entries of a JSON file of boxes: see `annotations`.

    Namespaces, and white space around names and values, are ignored. An annotation without objects
    is an image without objects.

    Raises:
      MetricError: the file cannot be read, is the annotation of another tool, or has a value that
        is not allowed.
    """
    try:
        parser = ElementTree.XMLParser(target=_TreeBuilder())
        root = ElementTree.fromstring(read_bytes(path, _MAX_BYTES), parser)
    except (ElementTree.ParseError, ValueError, LookupError, OSError) as error:
        raise MetricError(f'{path} cannot be read as an annotation of VOC: {error}') from error
    for element in root.iter():
        element.tag = element.tag.rpartition('}')[2]  # {namespace}tag
    items = list(root.iter('object'))
    if not items:
        _require_voc(root, path)
    entries = [_entry(item, f'{path}, box {number}') for number, item in enumerate(items, 1)]
    corners = [value for entry in entries for value in entry['box']]
    # VOC's smallest box is 1, 1, 1, 1, which is 0, 0, 1, 1 here.
    if corners and max(corners) <= 1 and min(corners) < 0:
        raise MetricError(
            f'{path}: all coordinates are at most 1, but they must be in pixels: multiply x by the '
            'width of the image and y by its height'
        )
    return entries


def _require_voc(root: ElementTree.Element, path: pathlib.Path) -> None:
    """Raises MetricError if an annotation without `object` is not VOC's, or has other objects."""
    shapes = [element.tag for element in root.iter() if element.tag.lower() in _SHAPES]
    if root.tag == 'annotation' and not shapes:
        return
    found = f' and <{shapes[0]}>' if shapes else ''
    raise MetricError(
        f"{path} is not an annotation of VOC: it has <{root.tag}>{found}, but no <object>. VOC's "
        'annotations are <annotation> with <object> for each object: export it as PASCAL VOC'
    )


def _entry(item: ElementTree.Element, what: str) -> dict[str, Any]:
    label = item.findtext('name', '').strip()
    if not label:
        raise MetricError(f'{what} cannot be read: it has no name')
    try:
        x1, y1, x2, y2 = (float(item.findtext(f'bndbox/{corner}', '')) for corner in _CORNERS)
    except ValueError as error:
        raise MetricError(
            f'{what} cannot be read: its bndbox needs the numbers {", ".join(_CORNERS)}; {error}'
        ) from error
    difficult = item.findtext('difficult', '0').strip()
    if difficult.lower() not in _DIFFICULT:
        raise MetricError(f'{what} has <difficult> {difficult!r:.50}; allowed are 0 and 1')
    return {
        'label': label,
        'box': [x1 - 1, y1 - 1, x2, y2],
        'difficult': _DIFFICULT[difficult.lower()],
    }
