"""COCO 2017: boxes of 80 classes of objects in everyday photographs (Lin et al., ECCV 2014)."""

import math
import pathlib

from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.coco_json import (
    file_name,
    image_size,
    read_document,
    read_objects,
)
from ubernet_jax.datasets.builders.files import check_exist
from ubernet_jax.datasets.builders.instances import BOXES, Corrections, InstanceBuilder, Item
from ubernet_jax.errors import UserError
from ubernet_jax.labels import Boxes

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


class Coco2017(InstanceBuilder):
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
        corrections = Corrections()
        splits = {split: _list_items(source, split, corrections) for split in ('train', 'val')}
        self.remarks.extend(corrections.describe())
        return splits


def _list_items(source: pathlib.Path, split: str, corrections: Corrections) -> list[Item]:
    path = source / 'annotations' / f'instances_{split}2017.json'
    check_exist([path])
    document = read_document(path)
    names = list(document.categories.values())  # their ids are 1 to 90, with gaps
    if names != list(COCO_CLASSES[1:]):
        raise UserError(
            f'{path}: the categories are not the 80 of COCO, but {", ".join(names):.80}; unpack '
            'annotations_trainval2017.zip again, or prepare it as coco/NAME'
        )
    index = {name: number for number, name in enumerate(COCO_CLASSES)}
    objects = read_objects(document, index, corrections, masks=False, slack=math.inf)
    items: list[Item] = [
        (
            source / f'{split}2017' / file_name(document, key),
            image_size(document, key),
            objects.get(key, []),
            [BOXES],
            [],
        )
        for key in document.images
    ]
    check_exist([item[0] for item in items], named_by=path)
    return items
