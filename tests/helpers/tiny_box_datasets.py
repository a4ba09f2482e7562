"""Tiny datasets with boxes, in their official layouts; see tiny_datasets.py."""

import pathlib

import numpy as np

from helpers.dataset_files import random_image, save_list, save_map, write_annotation, write_json
from helpers.examples import Expected, make_boxes
from ubernet_jax.datasets.builders.coco import COCO_CLASSES
from ubernet_jax.example import Example


def write_voc2007(root: pathlib.Path) -> Expected:
    """Writes boxes of three images; there are no test images."""
    voc = root / 'VOCdevkit' / 'VOC2007'
    objects = ('chair', 1, 1, 40, 30, 0), ('person', 5, 6, 5, 7, 1), ('dog', 8.5, 2, 11, 4, 0)
    boxes = make_boxes((0, 0, 40, 30, 9, False), (4, 5, 5, 7, 15, True), (7.5, 1, 11, 4, 12, False))
    expected = {}
    for split, ids in (('train', ('000012', '000005')), ('val', ('000007',))):
        save_list(voc / 'ImageSets' / 'Main' / f'{split}.txt', ids)
        expected[split] = []
        for name in ids:
            image = random_image(voc / 'JPEGImages' / f'{name}.jpg', 30, 40)
            empty = name == '000005'
            write_annotation(voc / 'Annotations' / f'{name}.xml', *objects[: 0 if empty else 3])
            labels = {'detection': make_boxes() if empty else boxes}
            expected[split].append(Example(id=name, image=image, labels=labels))
    return expected


def write_voc2012(root: pathlib.Path) -> Expected:
    """Writes images with a mask, boxes or both; one mask image has boxes that no list names."""
    voc = root / 'VOCdevkit' / 'VOC2012'
    segmentation, edges = np.zeros((2, 30, 40), np.uint8)
    segmentation[:, 10:14] = 255  # a band of void at the object
    segmentation[:, 14:] = 12
    edges[:, 12] = 12
    masks = {'segmentation': segmentation, 'semantic_boundaries': edges}
    boxes = {'detection': make_boxes((14, 0, 40, 30, 12, False))}
    labels = {
        'train': {
            '2008_000002': masks | boxes,
            '2007_000001': masks,
            '2008_000009': boxes,
        },
        'val': {'2009_000003': masks},
    }
    expected = {}
    for split, images in labels.items():
        for task, lists in (('segmentation', 'Segmentation'), ('detection', 'Main')):
            ids = tuple(name for name in images if task in images[name])
            if ids:
                save_list(voc / 'ImageSets' / lists / f'{split}.txt', ids)
        expected[split] = []
        for name, image_labels in images.items():
            image = random_image(voc / 'JPEGImages' / f'{name}.jpg', 30, 40)
            write_annotation(voc / 'Annotations' / f'{name}.xml', ('dog', 15, 1, 40, 30, 0))
            if 'segmentation' in image_labels:
                save_map(voc / 'SegmentationClass' / f'{name}.png', segmentation, palette=True)
            expected[split].append(Example(id=name, image=image, labels=image_labels))
    return expected


def write_coco(root: pathlib.Path) -> Expected:
    """Writes a crowd, boxes beyond the border and without area; the JSON lists images unsorted."""
    source = root / 'coco'
    categories = [
        {'supercategory': 'any', 'id': index + 10 * (index > 40), 'name': name}
        for index, name in enumerate(COCO_CLASSES)
        if index
    ]
    categories[0], categories[-1] = categories[-1], categories[0]
    rows = [
        ([1.5, 2, 10, 20.25], 1, 0),
        ([30, 10, 10.75, 20.5], 90, 0),
        ([0, 0, 40, 30], 40, 1),
        ([7, 7, 0, 5], 2, 0),
    ]
    boxes = make_boxes(
        (1.5, 2, 11.5, 22.25, 1, False), (30, 10, 40, 30, 80, False), (0, 0, 40, 30, 40, True)
    )
    expected = {}
    for split, numbers in (('train', (30, 9)), ('val', (139,))):
        images, annotations, examples = [], [], {}
        for number in numbers:
            name = f'{number:012d}'
            pixels = random_image(source / f'{split}2017' / f'{name}.jpg', 30, 40)
            images.append({'id': number, 'file_name': f'{name}.jpg', 'width': 40, 'height': 30})
            empty = number == 9
            annotations += [
                {
                    'id': 1000 * number + index,
                    'image_id': number,
                    'category_id': category,
                    'bbox': box,
                    'iscrowd': crowd,
                    'area': 3.5,
                    'segmentation': [],
                }
                for index, (box, category, crowd) in enumerate(rows[: 0 if empty else 4])
            ]
            labels = {'detection': make_boxes() if empty else boxes}
            examples[number] = Example(id=name, image=pixels, labels=labels)
        content = {
            'info': {},
            'licenses': [],
            'images': images,
            'annotations': sorted(annotations, key=lambda annotation: annotation['id'] % 1000),
            'categories': categories,
        }
        write_json(source / 'annotations' / f'instances_{split}2017.json', content)
        expected[split] = [examples[number] for number in sorted(numbers)]
    return expected
