"""Readers of annotations in the formats of COCO and YOLO, with small valid files as seeds."""

import json
import pathlib

from hypothesis import strategies as st

from helpers.annotated_images import annotation, document
from helpers.fuzz import hostile
from helpers.fuzz.damage import any_file, as_json
from helpers.fuzz.reader import Reader
from ubernet_jax.datasets.builders.class_maps import draw_class_map
from ubernet_jax.datasets.builders.coco_json import (
    Document,
    file_name,
    read_document,
    read_objects,
)
from ubernet_jax.datasets.builders.instances import Corrections
from ubernet_jax.datasets.builders.yolo_layouts import find_yolo
from ubernet_jax.datasets.builders.yolo_lines import read_lines

_SIZE = (30, 40)
_MASKS = (
    [],
    [[2, 3, 12, 3, 12, 11, 2, 11]],
    {'size': list(_SIZE), 'counts': [3, 5, 1192]},
    {'size': list(_SIZE), 'counts': 'k39e00000000000000Uj0'},
)
_LINES = b'0 0.5 0.5 0.2 0.2\n1 0 0 0.5 0 0 0.5\n'
_YAML = b'path: .\ntrain: images/train\nval: [val.txt]\nnames:\n  0: cat\n  1: dog\n'


def make_import_readers(folder: pathlib.Path) -> dict[str, Reader]:
    """The readers by name; `folder` is not used, because the seeds need no files."""
    objects = [annotation(1, 1, (2, 3, 10, 8), segmentation=mask) for mask in _MASKS]
    coco = document(['a.jpg'], objects)
    documents = any_file([json.dumps(coco).encode()]) | as_json(coco) | hostile.json()
    return {
        'coco_masks': Reader(_read_coco, 'a.json', documents, Document),
        'yolo': Reader(_read_yolo, 'a.txt', any_file([_LINES]), list),
        'yolo_yaml': Reader(
            lambda path: find_yolo(path.parent), 'data.yaml', any_file([_YAML]) | _aliases()
        ),
    }


def _read_coco(path: pathlib.Path) -> Document:
    content = read_document(path)
    index = {name: number for number, name in enumerate(content.categories.values(), 1)}
    for key, instances in read_objects(content, index, Corrections()).items():
        file_name(content, key)
        masks = [(1, instance.mask) for instance in instances]
        if content.images[key].get('height') == _SIZE[0]:  # others differ from their image
            draw_class_map(masks, _SIZE, str(path))
    return content


def _read_yolo(path: pathlib.Path) -> list:
    instances = read_lines(path, ['cat', 'dog'], path.with_name('data.yaml'), Corrections())
    draw_class_map([(1, i.scale(40, 30).mask) for i in instances], _SIZE, str(path))
    return instances


def _aliases() -> st.SearchStrategy[bytes]:
    """YAML whose lists repeat each other, so that together they have 9**30 items."""
    lines = [b'a0: &a0 [x]', *(b'a%d: &a%d [%s]' % (n, n, b','.join([b'*a%d' % (n - 1)] * 9))
             for n in range(1, 31))]  # fmt: skip
    fields = [b'names: *a30', b'names: [*a30]', b'names: [x]\ntrain: *a30', b'names: {0: *a30}']
    return st.sampled_from([b'\n'.join([*lines, field]) for field in fields])
