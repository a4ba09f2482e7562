"""Datasets in the format of YOLO: layouts of the tools, and what is refused."""

import functools
import pathlib

import numpy as np
import pytest

from helpers import prepared_sets
from helpers.annotated_images import HEIGHT, WIDTH, write_yolo_set
from helpers.dataset_files import random_image, save_list

SET = 'yolo/pets'
TRIANGLE = '1 0 0 0.5 0 0 0.5'


build = functools.partial(prepared_sets.build, SET)
remarks = functools.partial(prepared_sets.remarks, SET)


@pytest.fixture
def source(tmp_path) -> pathlib.Path:
    return tmp_path / 'export'


def test_boxes(source):
    write_yolo_set(source, ['0 0.5 0.5 0.25 0.2', '', '1 0.1 0.1 0.2 0.2000001'])
    splits = build(source)
    boxes = splits['train'][0].labels['detection']
    np.testing.assert_allclose(boxes.corners, [[15, 12, 25, 18], [0, 0, 8, 6]], atol=1e-4)
    assert boxes.classes.tolist() == [1, 2]
    assert list(splits) == ['train', 'val'] and set(splits['val'].labels) == {'detection'}
    assert splits['val'].labels['detection'].classes == ('background', 'cat', 'dog')
    assert '2 boxes that reach out of their images were cropped' in remarks(source)


def test_polygons_are_class_maps_and_boxes(source):
    write_yolo_set(source, [TRIANGLE])
    labels = build(source)['train'][0].labels
    assert labels['detection'].corners.tolist() == [[0, 0, 20, 15]]
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    inside = (columns + 0.5) / 20 + (rows + 0.5) / 15 < 1
    np.testing.assert_array_equal(labels['segmentation'], 2 * inside.astype(np.uint8))


def test_an_image_with_boxes_and_polygons_has_no_class_map(source):
    write_yolo_set(source, [TRIANGLE])
    save_list(source / 'labels/val/val.txt', (TRIANGLE, '0 0.5 0.5 0.1 0.1'))
    splits = build(source)
    assert splits['train'].labelled['segmentation'].tolist() == [True]
    assert splits['val'].labelled['segmentation'].tolist() == [False]
    assert '1 images have an object with a box but no mask' in remarks(source)


def test_a_missing_file_is_unlabelled_and_an_empty_file_has_no_objects(source):
    write_yolo_set(source)
    random_image(source / 'images/train/other.jpg', HEIGHT, WIDTH)
    save_list(source / 'labels/val/val.txt', ())
    splits = build(source)
    assert splits['train'].labelled['detection'].tolist() == [False, True]
    assert len(splits['val'][0].labels['detection']) == 0
    assert '1 images have no label file' in remarks(source)


# Layouts.


def test_the_export_of_cvat_for_ultralytics(source):
    """Lists of images, whose names have a folder that does not exist."""
    write_yolo_set(source, splits=['train'])
    save_list(source / 'train.txt', ('data/images/train/train.jpg',))
    save_list(
        source / 'data.yaml',
        ('path: .', 'train: train.txt', 'names:', '  0: cat', '  1: dog'),
    )
    assert build(source)['train'].labels['detection'].classes[1:] == ('cat', 'dog')


def test_the_export_of_cvat_for_yolo_1_1(source, capsys):
    random_image(source / 'obj_train_data/a.jpg', HEIGHT, WIDTH)
    random_image(source / 'obj_valid_data/b.jpg', HEIGHT, WIDTH)
    for name in ('obj_train_data/a.txt', 'obj_valid_data/b.txt'):
        save_list(source / name, ('1 0.5 0.5 0.2 0.2',))
    save_list(source / 'obj.names', ('cat', 'dog'))
    save_list(source / 'obj.data', ('classes = 2',))
    splits = build(source)
    assert {split: dataset.ids for split, dataset in splits.items()} == {
        'train': ('a',),
        'val': ('b',),
    }
    assert 'left out' not in capsys.readouterr().out


def test_the_export_of_label_studio(source):
    for name in ('a', 'b'):
        random_image(source / f'images/{name}.jpg', HEIGHT, WIDTH)
        save_list(source / f'labels/{name}.txt', ('1 0.5 0.5 0.2 0.2',))
    save_list(source / 'classes.txt', ('cat', 'dog'))
    (source / 'notes.json').write_text('{}')
    splits = build(source, '--test-share', '0.5')
    assert sorted(len(dataset) for dataset in splits.values()) == [1, 1]
    assert '1 of 2 images are in test' in remarks(source)


def test_the_export_of_roboflow(source):
    """The folders of the file lead out of the export, where they are not."""
    for split in ('train', 'valid'):
        random_image(source / split / 'images/a.jpg', HEIGHT, WIDTH)
        save_list(source / split / 'labels/a.txt', ('1 0.5 0.5 0.2 0.2',))
    lines = ('train: ../train/images', 'val: ../valid/images', 'nc: 2', "names: ['cat', 'dog']")
    save_list(source / 'data.yaml', lines)
    assert list(build(source)) == ['train', 'val']


def test_a_class_list_with_folders_of_splits(source):
    write_yolo_set(source, splits=['train', 'test'])
    (source / 'data.yaml').unlink()
    save_list(source / 'classes.txt', ('cat', 'dog'))
    assert sorted(build(source)) == ['test', 'train']


# What is refused.


@pytest.mark.parametrize(
    ('line', 'parts'),
    [
        ('2 0.5 0.5 0.2 0.2', ["class '2'", '0 to 1', 'data.yaml']),
        ('-1 0.5 0.5 0.2 0.2', ["class '-1'"]),
        ('cat 0.5 0.5 0.2 0.2', ["class 'cat'"]),
        ('0 0.5 0.5 0.2', ['3 numbers']),
        ('0 0.5 0.5 0.2 0.2 0.9', ['5 numbers', 'Confidences']),
        ('0 0.5 0.5', ['2 numbers', '3 points']),
        ('0 20 15 10 6', ['20', 'divide x by the width']),
        ('0 0.5 0.5 0.2 x', ["'x'"]),
        ('0 0.5 0.5 0.2 nan', ['finite']),
        ('0 0.5 0.5 -0.2 0.2', ['negative size']),
        ('0 0.9 0.5 0.5 0.2', ['x is 0.65 to 1.15']),
        ('0 0.1 0.1 0.2 0.2 -0.5 0.3', ['x is -0.5']),
    ],
)
def test_wrong_lines(source, refuses, line, parts):
    """Each message names the file and the line."""
    path = write_yolo_set(source, ['0 0.5 0.5 0.25 0.2', line])
    refuses(SET, f'{path}, line 2', *parts, source=source)


@pytest.mark.parametrize(
    ('yaml', 'parts'),
    [
        ('names: [cat', ['YAML']),
        ('train: images/train', ['names']),
        ('names: {0: cat, 2: dog}', ['2 indices', '0 to 1']),
        ('names: cat', ['list of texts']),
        ('names: [no, cat]', ['quotes']),
        ('names: [cat, cat]', ["'cat' twice"]),
        ('names: [background, cat]', ["'background' twice"]),
        ('names: [cat, dog]\ntrain: images/nowhere', ['"train"', 'images/nowhere']),
        ('names: [cat, dog]\ntrain: [1]', ['"train"', 'int']),
        ('names: [cat, dog]\nkpt_shape: [17, 3]\ntrain: images/train', ['kpt_shape']),
        ('names: [cat, dog]\ntrain: images/train\nval: images/train', ['splits train and val']),
        ('names: !!python/object/apply:os.getcwd []', ['YAML']),
    ],
)
def test_wrong_yaml(source, refuses, yaml, parts):
    write_yolo_set(source)
    (source / 'data.yaml').write_text(yaml)
    refuses(SET, source, *parts, source=source)


def test_images_without_labels_or_classes(source, refuses):
    path = write_yolo_set(source, splits=['train'])
    path.rename(path.with_name('other.txt'))
    refuses(SET, path.with_name('other.txt'), 'no image', source=source)
    path.with_name('other.txt').unlink()
    refuses(SET, path, 'none of the 1 images', source=source)
    (source / 'data.yaml').unlink()
    refuses(SET, source, 'classes.txt', 'data.yaml', source=source)


def test_a_set_without_splits_needs_a_share(source, refuses):
    random_image(source / 'images/a.jpg', HEIGHT, WIDTH)
    save_list(source / 'labels/a.txt', ('0 0.5 0.5 0.2 0.2',))
    save_list(source / 'classes.txt', ('cat',))
    refuses(SET, '1 images', '--test-share 0.2', source=source)
