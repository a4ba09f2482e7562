"""Labelled images with an EXIF orientation: refused, turned upright, or read as stored."""

import json
import pathlib

import numpy as np
import pytest
from PIL import Image

from helpers.dataset_files import random_image, save_map, write_json
from helpers.tiny_box_datasets import write_coco
from ubernet_jax import prepare
from ubernet_jax.datasets import open_dataset
from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.datasets.storage.image_storage import Storage
from ubernet_jax.errors import UserError
from ubernet_jax.photographs import Exif

SHAPE = (6, 8)  # as stored
TURNS = {2: np.fliplr, 3: lambda pixels: pixels[::-1, ::-1], 6: lambda pixels: np.rot90(pixels, -1)}


def turn(path: pathlib.Path, orientation: int) -> np.ndarray:
    """Adds an EXIF orientation to an image file; returns its pixels as stored."""
    exif = Image.Exif()
    exif[0x112] = orientation
    with Image.open(path) as picture:
        picture.save(path, exif=exif)
    return np.asarray(Image.open(path))


@pytest.fixture
def image(tmp_path) -> pathlib.Path:
    """An image of `folder/field`, without labels."""
    path = tmp_path / 'field/train/images/a.png'
    random_image(path, *SHAPE)
    return path


def build(root: pathlib.Path, *options: str, name: str = 'folder/field') -> Dataset:
    directory = root / 'prepared'
    prepare.main([name, '--source', str(root), '--directory', str(directory), *options])
    return open_dataset(name, 'train', directory)


@pytest.mark.parametrize('orientation', [2, 3, 6])
@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_a_labelled_image_is_refused(orientation, suffix, image, refuses):
    path = image.with_suffix(suffix)
    image.rename(path)
    turn(path, orientation)
    save_map(path.parents[1] / 'parts' / 'a.png', np.zeros(SHAPE, np.uint8))
    refuses('folder/field', path, f' {orientation},', '--exif apply', '--exif ignore')


@pytest.mark.parametrize('orientation', TURNS)
@pytest.mark.parametrize('option', ['apply', 'ignore'])
def test_a_map_is_that_of_the_image_as_shown_or_as_stored(orientation, option, image, tmp_path):
    pixels = turn(image, orientation)
    wanted = TURNS[orientation](pixels) if option == 'apply' else pixels
    shape = wanted.shape[:2]
    parts = (np.arange(48).reshape(shape) % 7).astype(np.uint8)
    save_map(tmp_path / 'field/train/parts/a.png', parts)
    dataset = build(tmp_path, '--exif', option)
    np.testing.assert_array_equal(dataset[0].image, wanted)
    np.testing.assert_array_equal(dataset[0].labels['parts'], parts)
    assert dataset.sizes.tolist() == [list(shape)]


@pytest.mark.parametrize(('option', 'box'), [('apply', [0, 0, 6, 8]), ('ignore', [0, 0, 8, 6])])
def test_boxes_are_in_the_image_as_shown_or_as_stored(option, box, image, tmp_path):
    turn(image, 6)
    path = tmp_path / 'field/train/boxes/a.json'
    write_json(path, [{'box': box, 'label': 'dog'}])
    dataset = build(tmp_path, '--exif', option)
    assert dataset[0].image.shape[1::-1] == tuple(box[2:])
    assert dataset[0].labels['detection'].corners.tolist() == [box]
    other = {'apply': 'ignore', 'ignore': 'apply'}[option]
    arguments = ['folder/field', '--source', str(tmp_path), '--directory', str(tmp_path / 'other')]
    with pytest.raises(UserError, match=str(path)):
        prepare.main([*arguments, '--exif', other])


def test_an_image_without_labels_is_upright(image, tmp_path):
    pixels = turn(image, 6)
    random_image(image.with_name('b.png'), *SHAPE)
    save_map(tmp_path / 'field/train/parts/b.png', np.zeros(SHAPE, np.uint8))
    np.testing.assert_array_equal(build(tmp_path)[0].image, TURNS[6](pixels))


@pytest.mark.parametrize(('option', 'size'), [('apply', (40, 30)), ('ignore', (30, 40))])
def test_coco(option, size, tmp_path, refuses):
    write_coco(tmp_path)
    path = tmp_path / 'coco/train2017/000000000030.jpg'
    turn(path, 6)
    refuses('coco2017', path, ' 6,', '--exif')
    annotations = tmp_path / 'coco/annotations/instances_train2017.json'
    content = json.loads(annotations.read_text())
    for entry in content['images']:
        if entry['id'] == 30:
            entry['height'], entry['width'] = size
    write_json(annotations, content)
    dataset = build(tmp_path, '--exif', option, name='coco2017')
    assert dataset[1].image.shape[:2] == size


def test_a_dataset_prepared_otherwise_is_not_taken_for_the_same(image, tmp_path, capsys):
    turn(image, 3)
    save_map(tmp_path / 'field/train/parts/a.png', np.zeros(SHAPE, np.uint8))
    build(tmp_path, '--exif', 'apply')
    assert str(Storage(exif=Exif.APPLY)) in capsys.readouterr().out
    build(tmp_path)
    with pytest.raises(UserError, match='--exif ignore'):
        build(tmp_path, '--exif', 'ignore')
    assert len({str(Storage(exif=exif)) for exif in Exif}) == 3
