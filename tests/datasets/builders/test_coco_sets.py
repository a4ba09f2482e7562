"""Datasets in the format of COCO: layouts of the tools, and what is refused."""

import functools
import json
import pathlib

import numpy as np
import pytest

from helpers import prepared_sets
from helpers.annotated_images import (
    HEIGHT,
    WIDTH,
    annotation,
    document,
    write_coco_set,
)
from helpers.dataset_files import random_image, write_json
from ubernet_jax import prepare
from ubernet_jax.datasets.builders.registry import make_builder
from ubernet_jax.doctor.dataset_report import Status, inspect_dataset
from ubernet_jax.errors import UserError

SQUARE = [[2, 3, 12, 3, 12, 11, 2, 11]]
SET = 'coco/pets'


build = functools.partial(prepared_sets.build, SET)
remarks = functools.partial(prepared_sets.remarks, SET)


@pytest.fixture
def source(tmp_path) -> pathlib.Path:
    return tmp_path / 'export'


def test_boxes_and_classes(source):
    write_coco_set(source)
    train = build(source)['train']
    assert train.labels['detection'].classes == ('background', 'cat', 'dog')
    assert set(train.labels) == {'detection'}
    boxes = train[0].labels['detection']
    assert boxes.corners.tolist() == [[2, 3, 12, 11], [20, 5, 40, 30]]
    assert boxes.classes.tolist() == [1, 2] and not boxes.difficult.any()
    assert train.ids == ('a', 'b') and len(train[1].labels['detection']) == 0
    assert '1 images have no annotation' in remarks(source)
    assert 'annotations/instances_train.json' in remarks(source)


def test_masks_are_class_maps(source):
    runs = {'size': [HEIGHT, WIDTH], 'counts': [0, HEIGHT * 2, HEIGHT * (WIDTH - 2)]}
    compressed = {'size': [30, 40], 'counts': 'k39e00000000000000Uj0'}
    objects = [
        annotation(1, 1, (2, 3, 10, 8), segmentation=SQUARE),
        annotation(1, 2, (0, 0, 2, 30), segmentation=runs, iscrowd=1),
        annotation(2, 2, (4, 3, 8, 9), segmentation=compressed),
    ]
    write_coco_set(source, annotations=objects)
    train = build(source)['train']
    first, second = (train[index].labels for index in range(2))
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[3:11, 2:12] = 1
    expected[:, :2] = 2
    np.testing.assert_array_equal(first['segmentation'], expected)
    assert (second['segmentation'] == 2).sum() == 72
    assert first['detection'].difficult.tolist() == [False, True]
    assert '1 boxes around crowds are difficult' in remarks(source)


def test_an_image_with_an_object_without_a_mask_has_no_class_map(source):
    objects = [
        annotation(1, 1, (2, 3, 10, 8), segmentation=SQUARE),
        annotation(1, 2, (20, 5, 20, 25)),
    ]
    write_coco_set(source, annotations=objects)
    train = build(source)['train']
    assert train.labelled['segmentation'].tolist() == [False, True]
    assert '1 images have an object with a box but no mask' in remarks(source)


def test_boxes_are_cropped_dropped_or_computed(source):
    inferred = annotation(1, 2, (), segmentation=SQUARE)
    del inferred['bbox']
    objects = [annotation(1, 1, (-0.2, 3, 10.2, 8)), annotation(1, 1, (5, 5, 0, 3)), inferred]
    write_coco_set(source, annotations=objects)
    boxes = build(source)['train'][0].labels['detection']
    np.testing.assert_allclose(boxes.corners, [[0, 3, 10, 11], [2, 3, 12, 11]])
    assert '1 boxes that reach out of their images were cropped' in remarks(source)
    assert '1 objects without area were dropped' in remarks(source)


def test_a_prepared_set_is_found_and_described_everywhere(source, capsys):
    write_coco_set(source)
    build(source)
    directory = source.parent / 'prepared'
    prepare.main(['--list', '--directory', str(directory)])
    card = capsys.readouterr().out.split(f'{SET}\n')[-1]
    assert 'made      made from annotations/instances_train.json' in card
    report = inspect_dataset(SET, directory)
    assert report.status is Status.READY
    assert any('no annotation' in note for note in report.notes)
    assert (directory / SET).glob('*/contact_sheet.png')


# Layouts.


def test_the_layout_of_coco(source):
    for split in ('train2017', 'val2017'):
        write_coco_set(source, f'annotations/instances_{split}.json', split)
    write_json(source / 'annotations/captions_train2017.json', {})
    assert list(build(source)) == ['train', 'val']


def test_the_export_of_roboflow(source):
    """Categories count from 0, and the first only groups the others."""
    categories = [
        {'id': 0, 'name': 'pets', 'supercategory': 'none'},
        {'id': 1, 'name': 'cat', 'supercategory': 'pets'},
        {'id': 2, 'name': 'dog', 'supercategory': 'pets'},
    ]
    for split in ('test', 'train', 'valid'):
        write_coco_set(source, f'{split}/_annotations.coco.json', split, categories=categories)
    splits = build(source)
    assert list(splits) == ['train', 'val', 'test']
    assert splits['val'].labels['detection'].classes == ('background', 'cat', 'dog')
    assert "categories without objects were dropped: ['pets']" in remarks(source)


def test_the_export_of_cvat(source):
    """Categories count from 1; a painted mask is a list of run lengths with iscrowd 1."""
    counts = [3, 5, HEIGHT * WIDTH - 8]
    mask = {'size': [HEIGHT, WIDTH], 'counts': counts}
    painted = annotation(
        1, 1, (0, 3, 1, 5), segmentation=mask, iscrowd=1, attributes={'occluded': False}
    )
    path = 'annotations/instances_default.json'
    write_coco_set(source, path, 'images/default', annotations=[painted])
    splits = build(source, '--test-share', '0.5')
    assert {split: len(dataset) for split, dataset in splits.items()} == {'train': 1, 'test': 1}
    labels = {d.ids[0]: d[0].labels for d in splits.values()}
    assert labels['a']['segmentation'].sum() == 5
    assert not labels['a']['detection'].difficult.any()
    assert '1 masks painted in CVAT' in remarks(source)


@pytest.mark.parametrize('path', ['result.json', 'result_coco.json'])
def test_the_export_of_label_studio(source, path):
    """All ids count from 0; file names have the folder, with either slash."""
    for name in ('a.jpg', 'b.jpg'):
        random_image(source / 'images' / name, HEIGHT, WIDTH)
    objects = [annotation(0, 0, (1, 1, 5, 5)), annotation(1, 1, (1, 1, 5, 5))]
    names = ['images/a.jpg', r'..\..\data\images\b.jpg']
    write_json(source / path, document(names, objects, {0: 'cat', 1: 'dog'}, first=0))
    train = build(source, '--test-share', '0')['train']
    assert [train[i].labels['detection'].classes.tolist() for i in range(2)] == [[1], [2]]


def test_one_file_for_each_split_beside_the_images(source):
    write_coco_set(source, 'train.json', 'images')
    write_coco_set(source, 'val.json', 'val')
    assert list(build(source)) == ['train', 'val']


def test_splits_with_different_categories_are_merged(source):
    write_coco_set(source, 'annotations/train.json', 'train')
    path = write_coco_set(source, 'annotations/val.json', 'val')
    objects = [annotation(1, 7, (1, 1, 5, 5))]
    write_json(path, document(['a.jpg'], objects, {7: 'bird'}))
    splits = build(source)
    for dataset in splits.values():
        assert dataset.labels['detection'].classes == ('background', 'cat', 'dog', 'bird')
    assert splits['val'][0].labels['detection'].classes.tolist() == [3]
    assert 'val.json lacks the categories cat, dog' in remarks(source)


def test_the_same_images_are_always_chosen_for_the_test(source):
    names = [f'{number}.jpg' for number in range(10)]
    for name in names:
        random_image(source / 'images' / name, HEIGHT, WIDTH)
    write_json(source / 'result.json', document(names, [annotation(1, 1, (1, 1, 5, 5))]))
    builder = make_builder(SET, source.parent / 'prepared')
    builder.test_share = 0.3
    splits = builder.list_splits(source)
    # The smallest SHA-256 of `0` to `9` are those of 9, 8 and 4.
    assert [item[0].stem for item in splits['test']] == ['4', '8', '9']
    assert len(splits['train']) == 7


# What is refused.


def test_a_set_without_splits_needs_a_share(source, refuses):
    write_coco_set(source, 'result.json', 'images')
    refuses(SET, source, 'no splits', '--test-share 0.2', source=source)
    with pytest.raises(UserError, match='leaves images in both'):
        build(source, '--test-share', '0.01')


def test_a_folder_without_annotations_names_the_layouts(source, refuses):
    random_image(source / 'images/a.jpg', HEIGHT, WIDTH)
    refuses(SET, source, 'SPLIT/_annotations.coco.json', 'result.json', source=source)
    write_json(source / 'train.json', {})
    write_json(source / 'other.json', {})
    refuses(SET, source / 'other.json', 'train, val, test', source=source)


def image(number: int, **fields: object) -> dict:
    plain = {'id': number, 'file_name': 'a.jpg', 'width': WIDTH, 'height': HEIGHT}
    return plain | fields


@pytest.mark.parametrize(
    ('changes', 'parts'),
    [
        ({'categories': []}, ['categories', 'names 1 classes']),
        ({'categories': [{'id': 1, 'name': 'background'}]}, ["'background' twice"]),
        ({'categories': [{'id': 1, 'name': 'a'}, {'id': 1, 'name': 'b'}]}, ['categories[1]']),
        ({'categories': [{'id': 1}]}, ['categories[0]', 'name None']),
        ({'categories': 'cat'}, ['images, annotations, categories']),
        ({'images': []}, ['no image in its list']),
        ({'images': [image(1), image(1)]}, ['images[1]', 'id 1']),
        ({'images': [image(1), image(2)]}, ['same id, a']),
        ({'images': [image(1, file_name='c.jpg')]}, ['no file', 'c.jpg', 'instances_train.json']),
        ({'images': [image(1, width=WIDTH + 1)]}, ['a.jpg', '40 x 30', '41 x 30']),
        ({'images': [image(1, height=None)]}, ['id 1', 'height None']),
        ({'images': [image(1, file_name=None)]}, ['file_name None']),
        ({'images': [image(1, file_name='a' * 300)]}, ['no file', 'aaa']),
        ({'images': [image(1, file_name='\ud800.jpg')]}, ['not valid text']),
    ],
)
def test_wrong_lists(source, refuses, changes, parts):
    path = write_coco_set(source)
    content = json.loads(path.read_text())
    content['annotations'] = content['annotations'][:1]
    write_json(path, content | changes)
    refuses(SET, *parts, source=source)


@pytest.mark.parametrize(
    ('fields', 'parts'),
    [
        ({'category_id': 3}, ['category_id 3', '1 cat, 2 dog']),
        ({'category_id': None}, ['category_id', 'None']),
        ({'image_id': 9}, ['image_id 9']),
        ({'bbox': [35, 3, 10, 8]}, ['x is 35 to 45', '0 to 40']),
        ({'bbox': [-5, 3, 10, 8]}, ['x is -5 to 5']),
        ({'bbox': [2, 3, -10, 8]}, ['negative size']),
        ({'bbox': [2, 3, 10]}, ['[2, 3, 10]']),
        ({'bbox': ['2', 3, 10, 8]}, ["'2'", 'number']),
        ({'bbox': [2, 3, 10, 10**400]}, ['bbox']),
        ({'bbox': [2, 3, 10, float('nan')]}, ['bbox', 'finite']),
        ({'iscrowd': 2}, ['iscrowd 2']),
        ({'segmentation': [[1, 2, 3, 4]]}, ['4 numbers', '3 points']),
        ({'segmentation': [[1, 2, 3, 4, 5, 6, 7]]}, ['7 numbers']),
        ({'segmentation': [[1, 2, 300, 4, 5, 6]]}, ['x is 1 to 300']),
        ({'segmentation': 'x'}, ["segmentation 'x'"]),
        ({'segmentation': {'size': [3, 4], 'counts': [12]}}, ['[3, 4]', '[30, 40]']),
        ({'segments_info': []}, ['panoptic']),
    ],
)
def test_wrong_annotations(source, refuses, fields, parts):
    """Each message names the file, the entry and its id."""
    path = write_coco_set(source, annotations=[{'id': 77, **annotation(1, 1, (2, 3, 10, 8))}])
    content = json.loads(path.read_text())
    content['annotations'][0] |= fields
    write_json(path, content)
    refuses(SET, f'{path}: annotations[0]', *parts, source=source)


def test_a_file_name_cannot_lead_out_of_the_source(source, refuses):
    random_image(source.parent / 'secret.jpg', HEIGHT, WIDTH)
    for name in ('../secret.jpg', str(source.parent / 'secret.jpg')):
        path = write_coco_set(source)
        write_json(path, document([name], []))
        refuses(SET, 'no file', 'secret.jpg', source=source)
