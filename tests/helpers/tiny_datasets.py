"""Tiny datasets in their official layouts, written for tests that read them.

Those with boxes: tiny_box_datasets.py.
"""

import pathlib

import numpy as np

from helpers.dataset_files import (
    random_image,
    save_list,
    save_map,
    write_ground_truth,
    write_json,
)
from helpers.examples import Expected, make_boxes
from helpers.tiny_box_datasets import write_coco, write_voc2007, write_voc2012
from ubernet_jax.example import Example
from ubernet_jax.labels.lines import LineMap


def write_bsds500(root: pathlib.Path) -> Expected:
    expected = {}
    for number, split in enumerate(('train', 'val', 'test')):
        expected[split] = []
        for name, annotator_count in ((f'{number}01', 2), (f'{number}02', 3)):
            data = root / 'BSDS500' / 'data'
            image = random_image(data / 'images' / split / f'{name}.jpg', 20 + number, 30)
            rng = np.random.default_rng(annotator_count)
            annotators = rng.integers(0, 2, (annotator_count, 20 + number, 30), np.uint8)
            write_ground_truth(data / 'groundTruth' / split / f'{name}.mat', annotators)
            share = np.rint(255 * annotators.sum(axis=0) / annotator_count).astype(np.uint8)
            labels = {'boundaries': LineMap(share=share, annotators=annotators)}
            expected[split].append(Example(id=name, image=image, labels=labels))
    return expected


def write_pascal_s(root: pathlib.Path) -> Expected:
    source = root / 'PASCAL-S'
    expected = {}
    for split, ids in (('train', ('12', '7')), ('test', ('3',))):
        save_list(source / f'{split}.txt', ids)
        expected[split] = []
        for name in ids:
            width = 20 + int(name)
            image = random_image(source / 'datasets/imgs/pascal' / f'{name}.jpg', 25, width)
            mask = np.tile(np.linspace(0, 255, width).astype(np.uint8), (25, 1))
            save_map(source / 'datasets/masks/pascal' / f'{name}.png', mask)
            expected[split].append(Example(id=name, image=image, labels={'saliency': mask}))
    return expected


def write_msra10k(root: pathlib.Path) -> Expected:
    return {'train': write_masked(root / 'MSRA10K_Imgs_GT', 'Imgs', 'Imgs', ('8', '147'))}


def write_ecssd(root: pathlib.Path) -> Expected:
    return {'test': write_masked(root / 'ECSSD', 'images', 'ground_truth_mask', ('0002', '0001'))}


def write_masked(
    source: pathlib.Path, images: str, masks: str, ids: tuple[str, ...]
) -> list[Example]:
    """Writes photographs and masks without a list, in the order of their names."""
    examples = []
    for name in sorted(ids):
        image = random_image(source / images / f'{name}.jpg', 12, 10)
        mask = np.zeros((12, 10), np.uint8)
        mask[3:, int(name) % 10 :] = 255
        save_map(source / masks / f'{name}.png', mask)
        examples.append(Example(id=name, image=image, labels={'saliency': mask}))
    return examples


def write_folder(root: pathlib.Path) -> Expected:
    """Writes `folder/tiny`: images with all labels, normals only, no objects, no labels."""
    train = root / 'folder' / 'tiny' / 'train'
    shape = (6, 8)
    rng = np.random.default_rng(0)
    share = rng.integers(0, 256, shape, np.uint8)
    parts = rng.integers(0, 7, shape, np.uint8)
    classes = rng.integers(0, 21, shape, np.uint8)
    parts[0, 0] = classes[0, 0] = 255
    millimetres = np.arange(48, dtype=np.uint16).reshape(shape) * 125
    save_map(train / 'depth' / 'a.png', millimetres)
    labels = {
        'depth': millimetres.astype(np.float32) / 1000,
        'boundaries': LineMap(share=save_map(train / 'boundaries' / 'a.png', share)),
        'saliency': save_map(train / 'saliency' / 'a.png', share[::-1]),
        'segmentation': save_map(train / 'segmentation' / 'a.png', classes, palette=True),
        'parts': save_map(train / 'parts' / 'a.png', parts),
        'semantic_boundaries': save_map(train / 'semantic_boundaries' / 'a.png', classes[::-1]),
        'normals': np.zeros((*shape, 3), np.float32),
    }
    objects = [
        {'box': [0, 0.5, 8, 6], 'label': 'dog', 'difficult': False},
        {'box': [2, 1, 3, 2], 'label': 'tvmonitor', 'difficult': True},
        {'box': [1, 1, 2.25, 3], 'label': 'aeroplane'},
    ]
    write_json(train / 'boxes' / 'a.json', objects)
    write_json(train / 'boxes' / 'c.json', [])
    labels['detection'] = make_boxes(
        (0, 0.5, 8, 6, 12, False), (2, 1, 3, 2, 20, True), (1, 1, 2.25, 3, 1, False)
    )

    rgb = np.zeros((*shape, 3), np.uint8)
    rgb[0, 0] = 255, 0, 255  # direction (1, -1, 1)
    save_map(train / 'normals' / 'a.png', rgb)
    labels['normals'][0, 0] = np.array([1, -1, 1]) / np.sqrt(3)

    vectors = np.zeros((*shape, 3), np.float32)
    vectors[1:] = 0, 3, 4
    vectors[5, :4] = np.nan
    vectors[5, 4:] = np.inf
    np.save(train / 'normals' / 'b.npy', vectors)
    directions = np.zeros((*shape, 3), np.float32)
    directions[1:5] = 0, 0.6, 0.8

    test = root / 'folder' / 'tiny' / 'test'
    return {
        'test': [Example(id='a', image=random_image(test / 'images' / 'a.png', 5, 9))],
        'train': [
            Example(id='a', image=random_image(train / 'images' / 'a.png', *shape), labels=labels),
            Example(
                id='b',
                image=random_image(train / 'images' / 'b.jpg', *shape),
                labels={'normals': directions},
            ),
            Example(
                id='c',
                image=random_image(train / 'images' / 'c.JPEG', *shape),
                labels={'detection': make_boxes()},
            ),
        ],
    }


WRITERS = {
    'bsds500': write_bsds500,
    'voc2007': write_voc2007,
    'voc2012': write_voc2012,
    'pascal_s': write_pascal_s,
    'coco2017': write_coco,
    'msra10k': write_msra10k,
    'ecssd': write_ecssd,
    'folder/tiny': write_folder,
}
