"""Each error of a file of boxes ends the preparation with a message that names file and box."""

import pytest

from helpers.tiny_datasets import write_annotation, write_json, write_voc2007

GOOD = {'box': [0, 0, 8, 6], 'label': 'dog'}


@pytest.mark.parametrize(
    ('box', 'error'),
    [
        ([1, 2, 1, 4], 'has no area: it is [1, 2, 1, 4]'),
        ([1, 2, 3, 2], 'has no area'),
        ([3, 2, 1, 4], 'has x1 > x2 or y1 > y2: it is [3, 2, 1, 4]'),
        ([1, 4, 3, 2], 'has x1 > x2 or y1 > y2'),
        ([-1, 2, 3, 4], 'reaches out of its image of 8 x 6 pixels: it is [-1, 2, 3, 4]'),
        ([1, -0.5, 3, 4], 'reaches out of its image'),
        ([1, 2, 8.5, 4], 'reaches out of its image'),
        ([1, 2, 3, 7], 'reaches out of its image'),
        ([20, 20, 30, 30], 'reaches out of its image'),
        ([1, 2, float('inf'), 4], 'is not finite'),
        ([1, float('nan'), 3, 4], 'is not finite'),
        ([1, 2, 3], 'is [1, 2, 3]; it must be four numbers'),
        ([1, 2, 3, None], 'is [1, 2, 3, None]; it must be four numbers'),
        (7, 'is 7; it must be four numbers'),
    ],
)
def test_a_box_that_is_none(box, error, tiny, refuses):
    path = tiny / 'boxes' / 'a.json'
    write_json(path, [GOOD, {'box': box, 'label': 'dog'}, GOOD])
    refuses('folder/tiny', f'{path}, box 2 {error}')


@pytest.mark.parametrize(
    ('entry', 'error'),
    [
        (GOOD | {'label': 'yeti'}, "is of class 'yeti'; known: aeroplane, bicycle, "),
        (GOOD | {'label': 'background'}, "is of class 'background'; known: aeroplane, "),
        (GOOD | {'label': 12}, 'is of class 12; known'),
        (GOOD | {'difficult': 'no'}, 'has "difficult" \'no\'; allowed are false and true'),
        ({'box': GOOD['box']}, 'has no "label"'),
        ({'label': 'dog'}, 'has no "box"'),
        ([0, 0, 8, 6], 'has no "box"'),
    ],
)
def test_a_box_that_lacks_something(entry, error, tiny, refuses):
    path = tiny / 'boxes' / 'a.json'
    write_json(path, [GOOD, GOOD, entry])
    refuses('folder/tiny', f'{path}, box 3 {error}')


@pytest.mark.parametrize(
    ('text', 'error'),
    [
        ('[{"box": [0, 0,', 'cannot be read as JSON'),
        ('', 'cannot be read as JSON'),
        ('{"box": [0, 0, 8, 6], "label": "dog"}', 'must hold a list of boxes, but holds {'),
    ],
)
def test_a_broken_file_of_boxes(text, error, tiny, refuses):
    path = tiny / 'boxes' / 'a.json'
    path.write_text(text)
    refuses('folder/tiny', f'{path} {error}')


def test_things_of_ones_own_are_named_in_boxes_txt(tiny, refuses):
    names = tiny.parent / 'boxes.txt'
    names.write_text('background\nrose\ndog\ntvmonitor')
    path = tiny / 'boxes' / 'a.json'
    message = "box 3 is of class 'aeroplane'; known: rose, dog, tvmonitor. "
    refuses('folder/tiny', f'{path}, {message}', 'boxes.txt')


@pytest.mark.parametrize(
    ('thing', 'error'),
    [
        (('dog', 0, 1, 3, 4, 0), 'box 2 reaches out of its image of 40 x 30 pixels: it is [-1, 0,'),
        (('dog', 1, 1, 41, 4, 0), 'box 2 reaches out of its image'),
        (('dog', 9, 1, 7, 4, 0), 'box 2 has x1 > x2 or y1 > y2: it is [8, 0, 7, 4]'),
        (('dog', 9, 1, 8, 4, 0), 'box 2 has no area'),
        (('dog', 'nan', 1, 8, 4, 0), 'box 2 is not finite'),
        (('yeti', 1, 1, 8, 4, 0), "box 2 is of class 'yeti'; known: aeroplane, bicycle"),
        (('dog', '', 1, 8, 4, 0), 'box 2 cannot be read: its bndbox needs the numbers xmin'),
    ],
)
def test_a_bad_box_of_voc(thing, error, tmp_path, refuses):
    write_voc2007(tmp_path)
    path = tmp_path / 'VOCdevkit/VOC2007/Annotations/000007.xml'
    write_annotation(path, ('dog', 1, 1, 40, 30, 0), thing)
    refuses('voc2007', f'{path}, {error}')


@pytest.mark.parametrize(
    ('old', 'new', 'error'),
    [
        ('</annotation>', '', ' cannot be read as an annotation of VOC'),
        ('<name>chair</name>', '', ', box 1 cannot be read: it has no name'),
        ('<xmin>1</xmin>', '', ', box 1 cannot be read: its bndbox needs the numbers xmin'),
    ],
)
def test_a_broken_annotation_of_voc(old, new, error, tmp_path, refuses):
    write_voc2007(tmp_path)
    path = tmp_path / 'VOCdevkit/VOC2007/Annotations/000007.xml'
    path.write_text(path.read_text().replace(old, new))
    refuses('voc2007', f'{path}{error}')


def test_a_missing_annotation(tmp_path, refuses):
    write_voc2007(tmp_path)
    voc = tmp_path / 'VOCdevkit' / 'VOC2007'
    (voc / 'Annotations' / '000012.xml').unlink()
    refuses(
        'voc2007', f'no file {voc / "Annotations/000012.xml"}', voc / 'ImageSets/Main/train.txt'
    )
