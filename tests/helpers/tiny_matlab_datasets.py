"""Tiny datasets with MATLAB files as labels, in their official layouts; see tiny_datasets.py."""

import pathlib

import h5py
import numpy as np
import scipy.io
import scipy.sparse

from helpers import tiny_datasets
from helpers.dataset_files import random_image, save_list, save_map
from helpers.examples import Expected
from ubernet_jax.example import Example
from ubernet_jax.labels.lines import LineMap

PICTURE_SHAPE = (24, 32)
NYU_SHAPE = (480, 640)


def save_matlab(path: pathlib.Path, variables: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, variables)


def save_matlab_73(path: pathlib.Path, variables: dict[str, np.ndarray]) -> None:
    """Writes HDF5 after 512 bytes of text, with reversed axes, as MATLAB does for version 7.3."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, 'w', userblock_size=512) as file:
        for name, array in variables.items():
            file[name] = array.T
        file['#refs#/a'] = np.zeros(2)  # as cells and structs refer to
    with path.open('r+b') as file:
        file.write(b'MATLAB 7.3 MAT-file, Platform: GLNXA64'.ljust(512))


def cells(*items: object) -> np.ndarray:
    """Makes a MATLAB cell array, N x 1."""
    array = np.empty((len(items), 1), object)
    array[:, 0] = items
    return array


def structs(*items: dict) -> np.ndarray:
    """Makes a MATLAB struct array, 1 x N; 0 x 0 doubles if it is empty."""
    if not items:
        return np.zeros((0, 0))
    array = np.empty((1, len(items)), [(field, object) for field in items[0]])
    for index, item in enumerate(items):
        for field, value in item.items():
            array[0, index][field] = value
    return array


def write_sbd(root: pathlib.Path) -> Expected:
    """Writes a person, a second person and a horse side by side, 8 columns each."""
    source = root / 'benchmark_RELEASE' / 'dataset'
    instances = np.zeros(PICTURE_SHAPE, np.uint8)
    instances[:, 4:12], instances[:, 12:20], instances[:, 20:28] = 1, 2, 3
    segmentation = np.array([0, 15, 15, 13], np.uint8)[instances]
    edges = np.zeros(PICTURE_SHAPE, np.uint8)
    edges[:, [4, 11, 12, 19]] = 15
    edges[:, [20, 27]] = 13
    outline = scipy.sparse.csc_matrix(edges > 0, dtype=float)
    expected = {}
    for split, ids in (('train', ('2008_000002', '2008_000007')), ('val', ('2009_000003',))):
        save_list(source / f'{split}.txt', ids)
        expected[split] = []
        for name in ids:
            image = random_image(source / 'img' / f'{name}.jpg', *PICTURE_SHAPE)
            truth = {
                'Boundaries': cells(*[outline] * 20),
                'Segmentation': segmentation,
                'CategoriesPresent': np.array([[13], [15]], np.uint8),
            }
            save_matlab(source / 'cls' / f'{name}.mat', {'GTcls': truth})
            truth = {
                'Segmentation': instances,
                'Boundaries': cells(*[outline] * 3),
                'Categories': np.array([[15], [15], [13]], np.uint8),
            }
            save_matlab(source / 'inst' / f'{name}.mat', {'GTinst': truth})
            labels = {'segmentation': segmentation, 'semantic_boundaries': edges}
            expected[split].append(Example(id=name, image=image, labels=labels))
    return expected


def write_pascal_context(root: pathlib.Path) -> Expected:
    source = root / 'VOCdevkit' / 'VOC2010'
    classes = np.full(PICTURE_SHAPE, 360, np.uint16)  # sky
    classes[10:] = 187  # grass
    classes[12:18, 5:9] = 98  # cow
    boundaries = np.zeros(PICTURE_SHAPE, np.uint8)
    boundaries[9] = boundaries[[11, 17], 4:9] = boundaries[11:18, [4, 8]] = 255
    expected = {}
    for split, ids in (('train', ('2008_000015', '2008_000008')), ('val', ('2010_000001',))):
        save_list(source / 'ImageSets' / 'Main' / f'{split}.txt', ids)
        expected[split] = []
        for name in ids:
            image = random_image(source / 'JPEGImages' / f'{name}.jpg', *PICTURE_SHAPE)
            save_matlab(source / 'trainval' / f'{name}.mat', {'LabelMap': classes})
            labels = {'boundaries': LineMap(share=boundaries)}
            expected[split].append(Example(id=name, image=image, labels=labels))
    return expected


def mask(rows: slice, columns: slice) -> np.ndarray:
    filled = np.zeros(PICTURE_SHAPE, np.uint8)
    filled[rows, columns] = 1
    return filled


def write_person_part(root: pathlib.Path) -> Expected:
    """Writes a person with four parts, a person without parts, and a dog with a head."""
    source = root / 'VOCdevkit' / 'VOC2010'
    everywhere = mask(np.s_[:], np.s_[:])
    person_parts = structs(
        {'part_name': 'torso', 'mask': mask(np.s_[4:14], np.s_[2:10])},
        {'part_name': 'neck', 'mask': mask(np.s_[3:5], np.s_[4:8])},
        {'part_name': 'hair', 'mask': mask(np.s_[0:3], np.s_[4:8])},
        {'part_name': 'rhand', 'mask': mask(np.s_[10:12], np.s_[8:12])},
    )
    dog_parts = structs({'part_name': 'head', 'mask': mask(np.s_[:], np.s_[20:])})
    objects = structs(
        {'class': 'dog', 'class_ind': 12, 'mask': everywhere, 'parts': dog_parts},
        {'class': 'person', 'class_ind': 15, 'mask': everywhere, 'parts': person_parts},
        {'class': 'person', 'class_ind': 15, 'mask': everywhere, 'parts': structs()},
    )
    parts = np.zeros(PICTURE_SHAPE, np.uint8)
    parts[4:14, 2:10] = parts[3:5, 4:8] = 2
    parts[0:3, 4:8] = 1
    parts[10:12, 8:12] = 4
    lists = source / 'pascal_person_part' / 'pascal_person_part_trainval_list'
    expected = {}
    for split, ids in (('train', ('2008_000026', '2008_000003')), ('val', ('2008_000034',))):
        save_list(lists / f'{split}_id.txt', ids)
        expected[split] = []
        for name in ids:
            image = random_image(source / 'JPEGImages' / f'{name}.jpg', *PICTURE_SHAPE)
            annotation = {'imname': name, 'objects': objects}
            save_matlab(source / 'Annotations_Part' / f'{name}.mat', {'anno': annotation})
            expected[split].append(Example(id=name, image=image, labels={'parts': parts}))
    return expected


def room_normals(height: int, width: int) -> np.ndarray:
    """Returns normals of an empty room, seen from inside: x right, y up, z towards the camera."""
    right = (np.arange(width) - (width - 1) / 2) / width
    up = (((height - 1) / 2 - np.arange(height)) / width)[:, None]
    distances = np.stack(np.broadcast_arrays(2 / abs(right), 1 / abs(up), 5.0))
    nearest = distances.argmin(axis=0)  # a side wall, the floor or the ceiling, the far wall
    signs = np.stack(np.broadcast_arrays(-np.sign(right), -np.sign(up), 1.0), axis=-1)
    return (np.eye(3)[nearest] * signs).astype(np.float32)


def write_nyudv2(root: pathlib.Path, rows: slice, columns: slice) -> Expected:
    """Writes GeoNet's normals, whose x points left; the mask excludes the lowest 40 rows."""
    source = root / 'NYUv2'
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (*NYU_SHAPE, 3, 4), np.uint8)
    normals = room_normals(*NYU_SHAPE)
    valid = np.ones(NYU_SHAPE, np.uint8)
    valid[440:] = 0
    depths = rng.uniform(0.7, 9.9, (*NYU_SHAPE, 4)).astype(np.float32)
    save_matlab_73(source / 'nyu_depth_v2_labeled.mat', {'images': images, 'depths': depths})
    stored = (normals * np.float32([-1, 1, 1]))[..., None]
    save_matlab_73(source / 'norm_gt_l.mat', {'norm_gt_l': stored.repeat(4, axis=-1)})
    save_matlab_73(source / 'masks.mat', {'masks': valid[..., None].repeat(4, axis=-1)})
    splits = {'train': (4, 2), 'test': (1,)}
    lists = {f'{split}Ndxs': np.float64([numbers]).T for split, numbers in splits.items()}
    save_matlab(source / 'splits.mat', lists)
    known = (normals * valid[..., None])[rows, columns]
    return {
        split: [
            Example(
                id=f'{i:04d}',
                image=images[rows, columns, :, i - 1],
                labels={'normals': known, 'depth': depths[rows, columns, i - 1]},
            )
            for i in numbers
        ]
        for split, numbers in splits.items()
    }


def write_nyudv2_toolbox(root: pathlib.Path) -> Expected:
    return write_nyudv2(root, np.s_[44:471], np.s_[40:601])


def write_nyudv2_gupta(root: pathlib.Path) -> Expected:
    return write_nyudv2(root, np.s_[45:470], np.s_[40:600])


def write_nyud_mt(root: pathlib.Path) -> Expected:
    """Writes an image as in ASTMT, and two as in MTI-Net; y and z of the normals are swapped."""
    source = root / 'NYUD_MT'
    shape = (60, 80)
    normals = room_normals(*shape)
    edges = np.zeros(shape, np.uint8)
    edges[30] = 1
    classes = np.tile(np.arange(20, dtype=np.uint8), (60, 4))
    depth = np.linspace(0, 9, 60 * 80, dtype=np.float32).reshape(shape)
    labels = {
        'depth': depth,
        'boundaries': LineMap(share=255 * edges),
        'normals': normals,
        'segmentation': classes - np.uint8(1),  # 0 becomes 255
    }
    expected = {}
    for split, ids in (('train', ('0005', '0003')), ('val', ('0001',))):
        save_list(source / 'gt_sets' / f'{split}.txt', ids)
        expected[split] = []
        for name in ids:
            image = random_image(source / 'images' / f'{name}.jpg', *shape)
            for folder in ('normals', 'edge', 'segmentation', 'depth'):
                (source / folder).mkdir(exist_ok=True)
            if name == '0001':
                save_map(source / 'edge' / f'{name}.png', 255 * edges)
                save_matlab(source / 'segmentation' / f'{name}.mat', {'segmentation': classes})
                save_matlab(source / 'depth' / f'{name}.mat', {'depth': depth})
            else:
                np.save(source / 'edge' / f'{name}.npy', edges.astype(np.float32))
                save_map(source / 'segmentation' / f'{name}.png', classes)
                np.save(source / 'depth' / f'{name}.npy', depth)
            np.save(source / 'normals' / f'{name}.npy', normals[..., [0, 2, 1]])
            expected[split].append(Example(id=name, image=image, labels=labels))
    return expected


WRITERS = tiny_datasets.WRITERS | {
    'sbd': write_sbd,
    'pascal_context': write_pascal_context,
    'person_part': write_person_part,
    'nyudv2': write_nyudv2_toolbox,
    'nyudv2_gupta': write_nyudv2_gupta,
    'nyud_mt': write_nyud_mt,
}
