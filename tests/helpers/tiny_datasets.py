"""Tiny datasets in their official layouts, written for tests that read them."""

import json
import pathlib
from collections.abc import Mapping

import numpy as np
import scipy.io
from PIL import Image

from ubernet_jax.datasets.builders.coco import COCO_CLASSES
from ubernet_jax.example import Example
from ubernet_jax.labels import LabelKind
from ubernet_jax.labels.boxes import BoxSet
from ubernet_jax.labels.lines import LineMap

Expected = dict[str, list[Example]]  # split -> examples in the order of the dataset's list

_PALETTE = np.arange(768, dtype=np.uint8).tolist()


def assert_same_label(kind: LabelKind, actual: object, wanted: object, atol: float = 0) -> None:
    """Asserts that two labels of a kind have the same type and arrays, up to a tolerance."""
    assert type(actual) is type(wanted)
    assert getattr(actual, 'dtype', None) == getattr(wanted, 'dtype', None)
    actual_parts, wanted_parts = kind.pack(actual), kind.pack(wanted)
    assert set(actual_parts) == set(wanted_parts)
    for name, array in wanted_parts.items():
        part = actual_parts[name]
        assert (part.dtype, part.shape) == (array.dtype, array.shape), name
        np.testing.assert_allclose(part, array, rtol=0, atol=atol, err_msg=name)


def assert_same_example(actual: Example, wanted: Example, kinds: Mapping[str, LabelKind]) -> None:
    """Asserts that two examples have the same image and labels, of these kinds by name."""
    assert actual.id == wanted.id
    np.testing.assert_array_equal(actual.image, wanted.image)
    assert set(actual.labels) == set(wanted.labels)
    for name, label in wanted.labels.items():
        assert_same_label(kinds[name], actual.labels[name], label)


def random_image(path: pathlib.Path, height: int, width: int) -> np.ndarray:
    """Writes random pixels, which depend on the size and the name of the file, to `path`.

    Returns the pixels of the file, which may be a JPEG.
    """
    rng = np.random.default_rng([height, width, *path.stem.encode()])
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(path)
    return np.asarray(Image.open(path))


def save_map(path: pathlib.Path, label: np.ndarray, palette: bool = False) -> np.ndarray:
    """Writes a label map as a grey or palette PNG; returns it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(label)
    if palette:
        picture.putpalette(_PALETTE)
    picture.save(path)
    return label


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


def write_ground_truth(path: pathlib.Path, annotators: np.ndarray) -> None:
    """Writes a cell array with a struct per annotator, as in BSDS500."""
    cells = np.empty((1, len(annotators)), object)
    for index, boundaries in enumerate(annotators):
        segments = np.ones(boundaries.shape, np.uint16)
        cells[0, index] = {'Segmentation': segments, 'Boundaries': boundaries}
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {'groundTruth': cells})


def make_boxes(*rows: tuple[float, float, float, float, int, bool]) -> BoxSet:
    """Makes boxes from rows x1, y1, x2, y2, class, difficult."""
    return BoxSet(
        corners=np.array([row[:4] for row in rows], np.float32).reshape(-1, 4),
        classes=np.array([row[4] for row in rows], np.uint8),
        difficult=np.array([row[5] for row in rows], bool),
    )


def write_annotation(path: pathlib.Path, *objects: tuple[str, str, str, str, str, int]) -> None:
    """Writes VOC's XML of objects name, xmin, ymin, xmax, ymax, difficult; persons have a part."""
    lines = ['<annotation><size><width>40</width><height>30</height><depth>3</depth></size>']
    part = '<part><name>head</name><bndbox><xmin>7</xmin><ymax>9</ymax></bndbox></part>'
    for name, xmin, ymin, xmax, ymax, difficult in objects:
        lines += [
            f'<object><name>{name}</name><pose>Left</pose><truncated>1</truncated>',
            f'<difficult>{difficult}</difficult><bndbox><xmax>{xmax}</xmax><xmin>{xmin}</xmin>',
            f'<ymax>{ymax}</ymax><ymin>{ymin}</ymin></bndbox>',
            f'{part if name == "person" else ""}</object>',
        ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join([*lines, '</annotation>']))


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


def assert_whole_shards(folder: pathlib.Path) -> None:
    """Asserts that every file is a shard with a report beside it, or a report."""
    files = {path.name for path in folder.iterdir()}
    assert files
    shards = {name for name in files if not name.endswith('.json')}
    assert files == shards | {f'{name}.json' for name in shards}


def write_json(path: pathlib.Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def save_list(path: pathlib.Path, ids: tuple[str, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(ids) + '\n')


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
