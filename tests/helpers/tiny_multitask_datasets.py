"""Tiny copies of multi-task benchmarks, in their official layouts; see tiny_datasets.py."""

import pathlib

import numpy as np
from skimage.morphology import thin

from helpers import tiny_matlab_datasets
from helpers.dataset_files import random_image, save_list, save_map, write_json
from helpers.examples import Expected
from helpers.tiny_matlab_datasets import PICTURE_SHAPE, room_normals, save_matlab, structs
from ubernet_jax.example import Example
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.unit_vectors import to_unit_length

WALL, MOTORBIKE = 440, 258  # classes of PASCAL-Context; only the first has normals


def write_pascal_mt(
    root: pathlib.Path,
    train: tuple[str, ...] = ('2008_000015', '2008_000008'),
    val: tuple[str, ...] = ('2008_000002',),
    shape: tuple[int, int] = PICTURE_SHAPE,
) -> Expected:
    """Writes a person and a motorbike in front of a wall; the last image of a split is empty.

    The first channel of the normals points left, the third up.
    """
    source = root / 'PASCAL_MT'
    classes = np.full(shape, WALL, np.uint16)
    classes[8:16, 8:20] = MOTORBIKE
    padded = np.pad(classes.astype(int), 1, mode='reflect')
    around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    boundaries = thin(around != 4 * padded[1:-1, 1:-1]) * np.uint8(255)
    normals = room_normals(*shape)
    colours = np.rint(127.5 * (1 + normals[..., [0, 2, 1]] * [-1, 1, 1])).astype(np.uint8)
    read = to_unit_length(colours / 127.5 - 1)[..., [0, 2, 1]] * np.float32([-1, 1, 1])
    known = np.where((classes == WALL)[..., None], read, 0)
    saliency = np.tile(np.linspace(0, 255, shape[1]).astype(np.uint8), (shape[0], 1))
    segmentation = np.zeros(shape, np.uint8)
    segmentation[8:16, 8:20], segmentation[0, 0] = 14, 255
    torso = np.zeros(shape, np.uint8)
    torso[4:14, 2:10] = 1
    person = {
        'class': 'person', 'class_ind': 15, 'mask': torso,
        'parts': structs({'part_name': 'torso', 'mask': torso}),
    }  # fmt: skip
    expected = {}
    for split, ids in (('train', train), ('val', val)):
        save_list(source / 'ImageSets/Context' / f'{split}.txt', ids)
        expected[split] = []
        for name in ids:
            image = random_image(source / 'JPEGImages' / f'{name}.jpg', *shape)
            people = [] if name == ids[-1] else [person]
            annotation = {'imname': name, 'objects': structs(*people)}
            save_matlab(source / 'human_parts' / f'{name}.mat', {'anno': annotation})
            save_matlab(source / 'pascal-context/trainval' / f'{name}.mat', {'LabelMap': classes})
            save_map(source / 'normals_distill' / f'{name}.png', colours)
            save_map(source / 'sal_distill' / f'{name}.png', saliency)
            folder = 'VOC12' if name == ids[0] else 'pascal-context'
            save_map(source / 'semseg' / folder / f'{name}.png', segmentation, palette=True)
            labels = {
                'boundaries': LineMap(share=boundaries),
                'normals': known,
                'saliency': np.where(saliency >= 128, np.uint8(255), np.uint8(0)),
                'segmentation': segmentation,
            }
            labels |= {'parts': 2 * torso} if people else {}
            expected[split].append(Example(id=name, image=image, labels=labels))
    return expected


def save_array(path: pathlib.Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)


def write_nyuv2_mtan(root: pathlib.Path) -> Expected:
    """Writes images 0, 2 and 10; the second channel of the normals points down."""
    normals = room_normals(*PICTURE_SHAPE)
    normals[0] = 0  # unknown
    rng = np.random.default_rng(0)
    expected = {}
    for split, numbers in {'train': (0, 2, 10), 'val': (0,)}.items():
        expected[split] = []
        for number in numbers:
            folder, file = root / 'nyuv2' / split, f'{number}.npy'
            image = rng.integers(0, 256, (*PICTURE_SHAPE, 3), np.uint8)
            classes = rng.integers(-1, 13, PICTURE_SHAPE)
            depth = rng.uniform(0.7, 9.9, PICTURE_SHAPE).astype(np.float32)
            save_array(folder / 'image' / file, image / 255)
            save_array(folder / 'label' / file, classes.astype(np.float32))
            save_array(folder / 'depth' / file, depth[..., None])
            save_array(folder / 'normal' / file, normals * np.float32([1, -1, 1]))
            labels = {'segmentation': classes.astype(np.uint8), 'depth': depth, 'normals': normals}
            expected[split].append(Example(id=str(number), image=image, labels=labels))
    return expected


def write_cityscapes_mtan(root: pathlib.Path) -> Expected:
    rng = np.random.default_rng(1)
    expected = {}
    for split, numbers in {'train': (0, 1), 'val': (0,)}.items():
        expected[split] = []
        for number in numbers:
            folder, file = root / 'cityscapes2' / split, f'{number}.npy'
            image = rng.integers(0, 256, (16, 32, 3), np.uint8)
            classes = rng.integers(-1, 7, (16, 32))
            near = rng.integers(0, 32_258, (16, 32)).astype(np.float32) / 65_535
            save_array(folder / 'image' / file, (image / 255).astype(np.float32))
            save_array(folder / 'label_7' / file, classes.astype(float))
            save_array(folder / 'depth' / file, near[..., None])
            labels = {'segmentation': classes.astype(np.uint8), 'inverse_depth': near}
            expected[split].append(Example(id=str(number), image=image, labels=labels))
    return expected


def write_cityscapes(root: pathlib.Path) -> Expected:
    """Writes ids of all classes; the disparity is unknown, infinitely far, and at most 100."""
    shape = 16, 34
    ids = np.tile(np.arange(34, dtype=np.uint8), (16, 1))
    evaluated = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    classes = np.full(shape, 255, np.uint8)
    for index, number in enumerate(evaluated):
        classes[ids == number] = index
    stored = np.linspace(0, 25_601, 16 * 34).astype(np.uint16).reshape(shape)
    stored[0, :3] = 0, 1, 2
    depth = np.zeros(shape, np.float32)
    depth[stored > 1] = 0.209313 * 2262.52 * 256 / (stored[stored > 1] - 1.0)
    camera = {'extrinsic': {'baseline': 0.209313}, 'intrinsic': {'fx': 2262.52}}
    expected = {}
    for split, names in {
        'train': ('aachen/aachen_000000_000019', 'bochum/bochum_000000_000313'),
        'val': ('munster/munster_000001_000019',),
    }.items():
        expected[split] = []
        for name in names:
            files = {
                folder: root / 'cityscapes' / folder / split / f'{name}_{suffix}'
                for folder, suffix in {
                    'leftImg8bit': 'leftImg8bit.png', 'gtFine': 'gtFine_labelIds.png',
                    'disparity': 'disparity.png', 'camera': 'camera.json',
                }.items()
            }  # fmt: skip
            image = random_image(files['leftImg8bit'], *shape)
            save_map(files['gtFine'], ids)
            save_map(files['disparity'], stored)
            write_json(files['camera'], camera)
            # Other files of the archives.
            polygons = files['gtFine'].with_name(f'{pathlib.Path(name).name}_gtFine_polygons.json')
            write_json(polygons, {})
            labels = {'segmentation': classes, 'depth': depth}
            example = Example(id=pathlib.Path(name).name, image=image, labels=labels)
            expected[split].append(example)
    return expected


def write_nyud_mt_pictures(
    root: pathlib.Path, train: tuple[str, ...], val: tuple[str, ...], shape: tuple[int, int]
) -> None:
    """Writes NYUD-MT as InvPT's archive has it: PNG, and the depth as arrays."""
    source = root / 'NYUDv2'
    colours = np.rint(127.5 * (1 + room_normals(*shape))).astype(np.uint8)
    edges = np.zeros(shape, np.uint8)
    edges[shape[0] // 2] = 255
    classes = np.resize(np.arange(41, dtype=np.uint8), shape)
    depth = np.linspace(0.7, 9, edges.size, dtype=np.float32).reshape(shape)
    for split, ids in (('train', train), ('val', val)):
        save_list(source / 'gt_sets' / f'{split}.txt', ids)
        for name in ids:
            random_image(source / 'images' / f'{name}.png', *shape)
            save_map(source / 'normals' / f'{name}.png', colours)
            save_map(source / 'edge' / f'{name}.png', edges)
            save_map(source / 'segmentation' / f'{name}.png', classes)
            save_array(source / 'depth' / f'{name}.npy', depth)


WRITERS = tiny_matlab_datasets.WRITERS | {
    'pascal_mt': write_pascal_mt,
    'nyuv2_mtan': write_nyuv2_mtan,
    'cityscapes': write_cityscapes,
    'cityscapes_mtan': write_cityscapes_mtan,
}
