"""COCO 2017: boxes of 80 classes of objects in everyday photographs (Lin et al., ECCV 2014)."""

import collections
import pathlib
from typing import Any

import numpy as np

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.files import check_exist, read_image
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.json_file import read_json
from ubernet_jax.labels import Boxes
from ubernet_jax.labels.boxes import BoxSet
from ubernet_jax.photographs import Exif

COCO_CLASSES = (
    'background', 'person', 'bicycle', 'car', 'motorcycle', 'airplane', 'bus', 'train', 'truck',
    'boat', 'traffic light', 'fire hydrant', 'stop sign', 'parking meter', 'bench', 'bird', 'cat',
    'dog', 'horse', 'sheep', 'cow', 'elephant', 'bear', 'zebra', 'giraffe', 'backpack', 'umbrella',
    'handbag', 'tie', 'suitcase', 'frisbee', 'skis', 'snowboard', 'sports ball', 'kite',
    'baseball bat', 'baseball glove', 'skateboard', 'surfboard', 'tennis racket', 'bottle',
    'wine glass', 'cup', 'fork', 'knife', 'spoon', 'bowl', 'banana', 'apple', 'sandwich', 'orange',
    'broccoli', 'carrot', 'hot dog', 'pizza', 'donut', 'cake', 'chair', 'couch', 'potted plant',
    'bed', 'dining table', 'toilet', 'tv', 'laptop', 'mouse', 'remote', 'keyboard', 'cell phone',
    'microwave', 'oven', 'toaster', 'sink', 'refrigerator', 'book', 'clock', 'vase', 'scissors',
    'teddy bear', 'hair drier', 'toothbrush',
)  # fmt: skip

_MAX_BYTES = 2**30  # of the annotations; the published file has 0.45 GB

# Image file, height, width, and for each object: x, y, width, height, class, whether it is a crowd.
Item = tuple[pathlib.Path, int, int, list[tuple[float, float, float, float, int, bool]]]


class Coco2017(Builder):
    """Reads `annotations/instances_SPLIT2017.json` and `SPLIT2017/ID.jpg`, as downloaded.

    The boxes have the 80 classes `COCO_CLASSES`, on which the network that the paper starts from
    was trained. The single box around a crowd is `difficult`: COCO neither trains on nor counts
    it. Boxes are cropped to the image, and the few without area are dropped. An image without
    boxes contains no object of these classes.
    """

    name = 'coco2017'
    folders = ('', 'coco', 'COCO', 'coco2017')
    marker = 'annotations/instances_*2017.json'
    labels = {'detection': Boxes(classes=COCO_CLASSES)}
    card = Card(
        tasks=('detection',),
        counts={'train': 118_287, 'val': 5000},
        home='https://cocodataset.org/#download',
        licence="annotations CC BY 4.0; photographs under Flickr's terms",
        citation='Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014',
        archives=('train2017.zip', 'val2017.zip', 'annotations_trainval2017.zip'),
        size='20.4 GB',
    )

    def list_splits(self, source: pathlib.Path) -> dict[str, list[Item]]:
        return {split: _list_items(source, split) for split in ('train', 'val')}

    def read(self, item: Item, exif: Exif = Exif.REFUSE) -> tuple[Example, bytes]:
        path, height, width, objects = item
        image, encoded_image = read_image(path, exif)
        if image.shape[:2] != (height, width):
            raise UserError(
                f'{path} has {image.shape[1]} x {image.shape[0]} pixels, but its annotation has '
                f'{width} x {height}; they belong to different datasets: unpack both again'
            )
        labels = {'detection': _to_boxes(objects, height, width)}
        return Example(id=path.stem, image=image, labels=labels), encoded_image


def _list_items(source: pathlib.Path, split: str) -> list[Item]:
    path = source / 'annotations' / f'instances_{split}2017.json'
    check_exist([path])
    contents = read_json(path, _MAX_BYTES)
    try:
        index = _index_classes(contents['categories'])
        objects = collections.defaultdict(list)
        for entry in contents['annotations']:
            x, y, width, height = map(float, entry['bbox'])
            row = x, y, width, height, index[entry['category_id']], bool(entry['iscrowd'])
            objects[entry['image_id']].append(row)
        images = sorted(contents['images'], key=lambda image: image['id'])
        items = [
            (
                source / f'{split}2017' / image['file_name'],
                image['height'],
                image['width'],
                objects[image['id']],
            )
            for image in images
        ]
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise UserError(
            f'{path} cannot be read as COCO instances ({type(error).__name__}: {error}); '
            'unpack annotations_trainval2017.zip again'
        ) from error
    check_exist([item[0] for item in items], named_by=path)
    return items


def _index_classes(categories: list[dict[str, Any]]) -> dict[int, int]:
    """Maps category ids, 1 to 90 with gaps, to class indices, 1 to 80."""
    names = [category['name'] for category in sorted(categories, key=lambda entry: entry['id'])]
    if names != list(COCO_CLASSES[1:]):
        raise ValueError(f'the categories are not the 80 of COCO, but {", ".join(names)[:80]}')
    return {category['id']: COCO_CLASSES.index(category['name']) for category in categories}


def _to_boxes(objects: list[tuple], height: int, width: int) -> BoxSet:
    x, y, box_width, box_height, classes, crowd = np.reshape(objects, (-1, 6)).T
    corners = np.stack([x, y, x + box_width, y + box_height], axis=1)
    corners = np.clip(corners, 0, [width, height] * 2).astype(np.float32)
    boxes = BoxSet(corners=corners, classes=classes.astype(np.uint8), difficult=crowd.astype(bool))
    return boxes[boxes.areas() > 0]
