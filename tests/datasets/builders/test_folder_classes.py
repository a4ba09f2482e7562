"""The classes of labels in the folder layout: in a text file or the description."""

import json

import numpy as np
import pytest

from helpers.dataset_files import random_image, save_map
from helpers.described_folders import SHAPE, add, build, describe
from ubernet_jax import labels
from ubernet_jax.labels.standard import STANDARD


def test_classes_in_a_text_file(source):
    """One class per line; blanks around a name and empty lines are ignored."""
    describe(source, {'weeds': {'kind': 'class_map'}})
    (source / 'weeds.txt').write_text('soil\n\n  maize plant \r\nweed')
    (source / 'parts.txt').write_text('background\nleaf\nstem\n')
    add(source, 'weeds')
    add(source, 'parts')
    assert build(source).labels == {
        'weeds': labels.ClassMap(classes=('soil', 'maize plant', 'weed')),
        'parts': labels.ClassMap(classes=('background', 'leaf', 'stem')),
    }


def test_a_byte_order_mark_is_not_part_of_a_class(source):
    (source / 'parts.txt').write_text('background\nleaf\n', encoding='utf-8-sig')
    add(source, 'parts', 1)
    assert build(source).labels == {'parts': labels.ClassMap(classes=('background', 'leaf'))}


def test_classes_that_differ_in_their_unicode_form_only(source, refuses):
    (source / 'parts.txt').write_text('é\ne\u0301\n')
    add(source, 'parts', 1)
    refuses('folder/field', source / 'parts.txt', 'twice')


def test_names_meet_in_either_unicode_form(source):
    random_image(source / 'train/images' / 'e\u0301.png', *SHAPE)
    save_map(source / 'train/saliency' / '\u00e9.png', np.full(SHAPE, 200, np.uint8))
    dataset = build(source)
    assert dataset.ids == ('a', '\u00e9')
    assert dataset.labelled['saliency'].tolist() == [False, True]


def test_classes_in_both_places(source, refuses):
    path = describe(source, {'weeds': {'kind': 'class_map', 'classes': ['soil', 'weed']}})
    names = source / 'weeds.txt'
    names.write_text('soil\ncrop\nweed\n')
    add(source, 'weeds')
    refuses('folder/field', names, path, 'classes of weeds')


def test_classes_that_are_not_named_anywhere(source, refuses):
    path = describe(source, {'weeds': {'kind': 'class_map'}})
    add(source, 'weeds')
    hints = (f'{path} ', 'classes of weeds', '"classes": [...]', source / 'weeds.txt')
    refuses('folder/field', *hints)
    path.write_text(json.dumps({'weeds': {'kind': 'class_map', 'classes': []}}))
    refuses('folder/field', *hints)
    (source / 'weeds.txt').write_text(' \n')
    refuses('folder/field', source / 'weeds.txt', '0 classes', '2 to 255')


@pytest.mark.parametrize(
    ('classes', 'error'),
    [
        (['soil'], '1 classes; allowed are 2 to 255'),
        ([str(i) for i in range(256)], '256 classes; allowed are 2 to 255'),
        (['soil', 'weed', 'soil'], "'soil' twice"),
        (['soil', 7], 'must be a list of names'),
        (['soil', ''], 'must be a list of names'),
        ('soil', 'must be a list of names'),
        (3, 'must be a list of names'),
        (None, 'must be a list of names'),
        ({'soil': 0, 'weed': 1}, 'must be a list of names'),
    ],
)
def test_invalid_classes(classes, error, source, refuses):
    path = describe(source, {'weeds': {'kind': 'class_map', 'classes': classes}})
    add(source, 'weeds', 0)
    refuses('folder/field', f"{path}: 'weeds'", error)


def test_255_classes_are_possible(source):
    classes = [f'class {index}' for index in range(255)]
    describe(source, {'weeds': {'kind': 'class_map', 'classes': classes}})
    values = np.arange(207, 255, dtype=np.uint8).reshape(SHAPE)
    save_map(source / 'train/weeds/a.png', values)
    dataset = build(source)
    assert dataset.labels['weeds'].classes == tuple(classes)
    np.testing.assert_array_equal(dataset[0].labels['weeds'], values)


def test_default_classes_are_logged(source, caplog):
    add(source, 'parts')
    build(source)
    assert f'{source}: ' in caplog.text and 'parts.txt' in caplog.text
    assert ', '.join(STANDARD['parts'].classes) in caplog.text


def test_named_classes_are_not_logged(source, caplog):
    add(source, 'parts')
    (source / 'parts.txt').write_text('background\nhat\nshoe\n')
    build(source)
    assert 'parts.txt' not in caplog.text
