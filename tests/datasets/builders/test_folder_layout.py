"""The folder layout: labels of any name, their kinds and classes, errors in descriptions.

Errors in label files: test_bad_datasets.py and test_bad_boxes.py.
"""

import numpy as np
import pytest

from helpers.dataset_files import random_image, write_json
from helpers.described_folders import SHAPE, add, build, describe
from ubernet_jax import labels
from ubernet_jax.datasets import open_dataset
from ubernet_jax.errors import UserError
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.labels.standard import STANDARD

NAMES = (*STANDARD, 'boxes')
WEEDS = {'kind': 'class_map', 'classes': ['soil', 'crop', 'weed']}


def test_the_description_defines_the_kinds_of_folders(source, capsys):
    describe(
        source,
        {
            'weeds': WEEDS,
            'depth edges': {'kind': 'lines'},
            'Schärfe': {'kind': 'soft_mask'},
            'plants': {'kind': 'boxes', 'classes': ['background', 'crop']},
            'leaf-normals': {'kind': 'unit_vectors'},
            'rows_2': {'kind': 'class_lines', 'classes': ['none', 'row']},
        },
    )
    weeds, edges, sharp = (
        add(source, 'weeds'),
        add(source, 'depth edges', 255),
        add(source, 'Schärfe', 200),
    )
    rows = add(source, 'rows_2', 1)
    write_json(source / 'train/plants/a.json', [{'box': [1, 2, 3, 4], 'label': 'crop'}])
    (source / 'train/leaf-normals').mkdir()
    np.save(source / 'train/leaf-normals/a.npy', np.tile(np.float32([0, 0, 2]), (*SHAPE, 1)))
    dataset = build(source)
    assert dataset.labels == {
        'weeds': labels.ClassMap(classes=('soil', 'crop', 'weed')),
        'depth edges': labels.Lines(),
        'Schärfe': labels.SoftMask(),
        'plants': labels.Boxes(classes=('background', 'crop')),
        'leaf-normals': labels.UnitVectors(),
        'rows_2': labels.ClassLines(classes=('none', 'row')),
    }
    read = dataset[0].labels
    np.testing.assert_array_equal(read['weeds'], weeds)
    np.testing.assert_array_equal(read['depth edges'].share, edges)
    np.testing.assert_array_equal(read['Schärfe'], sharp)
    np.testing.assert_array_equal(read['rows_2'], rows)
    np.testing.assert_array_equal(read['leaf-normals'], np.tile([0, 0, 1], (*SHAPE, 1)))
    assert read['plants'].corners.tolist() == [[1, 2, 3, 4]]
    assert dataset.counts['plants'].tolist() == [1]
    images = (
        'train 1 images (Schärfe 1, depth edges 1, leaf-normals 1, plants 1, rows_2 1, weeds 1)'
    )
    assert images in capsys.readouterr().out


def test_the_error_about_an_unknown_folder_shows_a_description(source, refuses):
    add(source, 'weeds')
    refuses(
        'folder/field',
        f'{source}: ',
        "'weeds'",
        source / 'labels.json',
        '{"weeds": {"kind": "class_map", "classes": ["background", "weeds"]}}',
        'kinds: boxes, class_lines, class_map, lines, metres, soft_mask, unit_vectors',
        ', '.join(NAMES),
    )


def test_the_shown_description_is_valid(source):
    add(source, 'weeds', 1)
    with pytest.raises(UserError) as error:
        build(source)
    line = str(error.value).partition('such as ')[2].partition('; kinds')[0]
    (source / 'labels.json').write_text(line)
    assert build(source).labels == {'weeds': labels.ClassMap(classes=('background', 'weeds'))}


def test_labels_with_a_standard_name_need_no_description(source):
    for name in ('saliency', 'parts', 'segmentation', 'semantic_boundaries', 'boundaries'):
        add(source, name)
    write_json(source / 'train/detection/a.json', [{'box': [1, 2, 3, 4], 'label': 'dog'}])
    dataset = build(source)
    assert dict(dataset.labels) == {name: STANDARD[name] for name in dataset[0].labels}
    assert set(dataset.labels) == set(STANDARD) - {'normals', 'depth'}
    assert isinstance(dataset[0].labels['boundaries'], LineMap)


def test_a_description_overrides_the_kind_of_a_standard_name(source):
    describe(source, {'saliency': WEEDS, 'parts': {'kind': 'soft_mask'}})
    add(source, 'saliency')
    add(source, 'parts', 255)
    assert build(source).labels == {
        'saliency': labels.ClassMap(classes=('soil', 'crop', 'weed')),
        'parts': labels.SoftMask(),
    }


@pytest.mark.parametrize('folder', ['boxes', 'detection'])
def test_boxes_may_be_in_a_folder_of_either_name(folder, source):
    (source / f'{folder}.txt').write_text('background\nrose\n')
    write_json(source / 'train' / folder / 'a.json', [{'box': [1, 2, 3, 4], 'label': 'rose'}])
    dataset = build(source)
    assert dataset.labels == {'detection': labels.Boxes(classes=('background', 'rose'))}
    assert dataset[0].labels['detection'].classes.tolist() == [1]


def test_boxes_in_folders_of_both_names(source, refuses):
    for folder in ('boxes', 'detection'):
        write_json(source / 'train' / folder / 'a.json', [])
    refuses('folder/field', f'{source} ', 'boxes is the same as detection')


def test_boxes_in_differently_named_folders_of_two_splits(source, refuses):
    write_json(source / 'train' / 'boxes' / 'a.json', [])
    random_image(source / 'test' / 'images' / 'b.png', *SHAPE)
    write_json(source / 'test' / 'detection' / 'b.json', [])
    refuses('folder/field', f'{source} ', 'boxes is the same as detection')


def test_hidden_and_unknown_files_are_left_out_and_reported(source, capsys):
    add(source, 'saliency', 255)
    hidden = [
        source / 'train' / name for name in ('images/._a.png', 'saliency/._a.png', '.DS_Store')
    ]
    unknown = [source / 'README.txt', source / 'train' / 'notes.txt']
    for path in hidden + unknown:
        path.write_bytes(b'\0')
    (source / '.cache' / 'images').mkdir(parents=True)
    assert build(source).ids == ('a',)
    lines = [line for line in capsys.readouterr().out.splitlines() if 'left out' in line]
    assert len(lines) == 4
    assert 'left out 1, hidden: ' in lines[1] and str(source / '.cache') in lines[1]
    assert 'train: left out 3, hidden: ' in lines[-1] and str(hidden[0]) in lines[-1]
    assert all(any(str(path) in line for line in lines) for path in unknown)
    build(source)  # already prepared
    assert [line for line in capsys.readouterr().out.splitlines() if 'left out' in line] == lines


@pytest.mark.parametrize(
    ('content', 'error'),
    [
        ([WEEDS], '{"weeds": '),
        ({'weeds': 'class_map'}, "'weeds' is 'class_map'"),
        ({'weeds': {'classes': ['a', 'b']}}, "'weeds' has no \"kind\", but 'classes'"),
        ({'weeds': {'kind': 'mask'}}, "'weeds' is of kind 'mask'; known kinds: boxes, class_lines"),
        ({'weeds': {'kind': ['mask']}}, "'weeds' is of kind ['mask']; known kinds: boxes, "),
        (
            {'weeds': WEEDS | {'colours': []}},
            "'colours'",
        ),
        (
            {'weeds': {'kind': 'soft_mask', 'classes': ['a', 'b']}},
            "'classes'",
        ),
    ],
)
def test_an_invalid_description(content, error, source, refuses):
    path = describe(source, content)
    add(source, 'weeds')
    refuses('folder/field', path, error)


@pytest.mark.parametrize('content', [b'{"weeds": ', b'', b'\xff\xfe{'])
def test_a_description_that_is_not_json(content, source, refuses):
    path = source / 'labels.json'
    path.write_bytes(content)
    add(source, 'weeds')
    refuses('folder/field', path, 'JSON')


def test_a_described_folder_that_does_not_exist(source, refuses):
    path = describe(source, {'weed': WEEDS})
    add(source, 'saliency', 255)
    refuses('folder/field', f'{path} describes weed, ', 'saliency')


def test_a_described_folder_may_be_in_one_split_only(source):
    describe(source, {'weeds': WEEDS})
    add(source, 'weeds')
    random_image(source / 'test' / 'images' / 'b.png', *SHAPE)
    train = build(source)
    test = open_dataset('folder/field', 'test', train.directory)
    assert test.labels == train.labels
    assert (train.present_labels(), test.present_labels()) == (['weeds'], [])


def test_hidden_folders_are_ignored(source):
    add(source, 'saliency', 255)
    add(source, '.thumbnails', 3)
    assert set(build(source).labels) == {'saliency'}


def test_a_changed_description_restarts_an_interrupted_build(source):
    """The finished shards were checked against other classes."""
    describe(source, {'weeds': WEEDS})
    add(source, 'weeds', 2)
    add(source, 'saliency', 1)  # which ends the build after the shard is finished
    with pytest.raises(UserError, match='no value is above 1'):
        build(source)
    describe(source, {'weeds': WEEDS | {'classes': ['soil', 'crop']}, 'saliency': WEEDS})
    with pytest.raises(UserError, match='class index 2 .* 0 to 1'):
        build(source)
