"""Tiny datasets in their official layouts, written by the tests that read them back."""

import pathlib

import numpy as np
import scipy.io
from PIL import Image

from ubernet_jax.structs import Example

Expected = dict[str, list[Example]]  # split -> its examples, in the order of the set's list

_PALETTE = np.arange(768, dtype=np.uint8).tolist()


def random_image(path: pathlib.Path, height: int, width: int) -> np.ndarray:
    """Writes random pixels to `path`; returns what the file, maybe a JPEG, decodes to."""
    rng = np.random.default_rng(height * width)
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
            expected[split].append(
                Example(id=name, image=image, labels={'boundaries': share}, annotators=annotators)
            )
    return expected


def write_ground_truth(path: pathlib.Path, annotators: np.ndarray) -> None:
    """A cell array, one struct an annotator, as MATLAB wrote BSDS500's."""
    cells = np.empty((1, len(annotators)), object)
    for index, boundaries in enumerate(annotators):
        segments = np.ones(boundaries.shape, np.uint16)
        cells[0, index] = {'Segmentation': segments, 'Boundaries': boundaries}
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {'groundTruth': cells})


def write_voc2012(root: pathlib.Path) -> Expected:
    voc = root / 'VOCdevkit' / 'VOC2012'
    expected = {}
    for split, ids in (('train', ('2008_000002', '2007_000001')), ('val', ('2009_000003',))):
        save_list(voc / 'ImageSets' / 'Segmentation' / f'{split}.txt', ids)
        expected[split] = []
        for name in ids:
            image = random_image(voc / 'JPEGImages' / f'{name}.jpg', 30, 40)
            segmentation = np.zeros((30, 40), np.uint8)
            segmentation[:, 10:14] = 255  # a band of void before the object
            segmentation[:, 14:] = 12
            save_map(voc / 'SegmentationClass' / f'{name}.png', segmentation, palette=True)
            edges = np.zeros((30, 40), np.uint8)
            edges[:, 12] = 12
            labels = {'segmentation': segmentation, 'semantic_boundaries': edges}
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


def write_folder(root: pathlib.Path) -> Expected:
    """`folder/tiny`: an image with every label, one with normals alone, one with none."""
    train = root / 'folder' / 'tiny' / 'train'
    shape = (6, 8)
    rng = np.random.default_rng(0)
    share = rng.integers(0, 256, shape, np.uint8)
    parts = rng.integers(0, 7, shape, np.uint8)
    classes = rng.integers(0, 21, shape, np.uint8)
    parts[0, 0] = classes[0, 0] = 255
    labels = {
        'boundaries': save_map(train / 'boundaries' / 'a.png', share),
        'saliency': save_map(train / 'saliency' / 'a.png', share[::-1]),
        'segmentation': save_map(train / 'segmentation' / 'a.png', classes, palette=True),
        'parts': save_map(train / 'parts' / 'a.png', parts),
        'semantic_boundaries': save_map(train / 'semantic_boundaries' / 'a.png', classes[::-1]),
        'normals': np.zeros((*shape, 3), np.float32),
    }
    rgb = np.zeros((*shape, 3), np.uint8)
    rgb[0, 0] = 255, 0, 255  # the direction (1, -1, 1)
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
            Example(id='c', image=random_image(train / 'images' / 'c.JPEG', *shape)),
        ],
    }


def save_list(path: pathlib.Path, ids: tuple[str, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(ids) + '\n')


WRITERS = {
    'bsds500': write_bsds500,
    'voc2012': write_voc2012,
    'pascal_s': write_pascal_s,
    'folder/tiny': write_folder,
}
