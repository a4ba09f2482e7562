"""Errors in box files: `prepare` fails with a message that names the file and the box."""

import pytest

from helpers.dataset_files import write_annotation, write_json
from helpers.tiny_box_datasets import write_voc2007

GOOD = {'box': [0, 0, 8, 6], 'label': 'dog'}


@pytest.mark.parametrize(
    ('box', 'error'),
    [
        ([1, 2, 1, 4], 'no area: it is [1, 2, 1, 4]'),
        ([1, 2, 3, 2], 'no area'),
        ([3, 2, 1, 4], 'x1 > x2 or y1 > y2: it is [3, 2, 1, 4]'),
        ([1, 4, 3, 2], 'x1 > x2 or y1 > y2'),
        ([-1, 2, 3, 4], 'image of 8 x 6 pixels: it is [-1, 2, 3, 4]'),
        ([1, -0.5, 3, 4], '8 x 6'),
        ([1, 2, 8.5, 4], '8 x 6'),
        ([1, 2, 3, 7], '8 x 6'),
        ([20, 20, 30, 30], '8 x 6'),
        ([1, 2, float('inf'), 4], 'not finite'),
        ([1, float('nan'), 3, 4], 'not finite'),
        ([1, 2, 3], '[1, 2, 3]; it must be four numbers'),
        ([1, 2, 3, None], '[1, 2, 3, None]; it must be four numbers'),
        (7, '7; it must be four numbers'),
    ],
)
def test_an_invalid_box(box, error, tiny, refuses):
    path = tiny / 'boxes' / 'a.json'
    write_json(path, [GOOD, {'box': box, 'label': 'dog'}, GOOD])
    refuses('folder/tiny', f'{path}, box 2 ', error)


@pytest.mark.parametrize(
    ('entry', 'error'),
    [
        (GOOD | {'label': 'yeti'}, "class 'yeti'; known: aeroplane, bicycle, "),
        (GOOD | {'label': 'background'}, "class 'background'; known: aeroplane, "),
        (GOOD | {'label': 12}, 'class 12; known'),
        (GOOD | {'difficult': 'no'}, '"difficult" \'no\'; allowed are false and true'),
        ({'box': GOOD['box']}, 'no "label"'),
        ({'label': 'dog'}, 'no "box"'),
        ([0, 0, 8, 6], 'no "box"'),
    ],
)
def test_an_invalid_entry(entry, error, tiny, refuses):
    path = tiny / 'boxes' / 'a.json'
    write_json(path, [GOOD, GOOD, entry])
    refuses('folder/tiny', f'{path}, box 3 ', error)


@pytest.mark.parametrize(
    ('text', 'error'),
    [
        ('[{"box": [0, 0,', 'JSON'),
        ('', 'JSON'),
        ('{"box": [0, 0, 8, 6], "label": "dog"}', 'a list of boxes'),
    ],
)
def test_a_damaged_box_file(text, error, tiny, refuses):
    path = tiny / 'boxes' / 'a.json'
    path.write_text(text)
    refuses('folder/tiny', path, error)


def test_custom_classes_are_named_in_boxes_txt(tiny, refuses):
    names = tiny.parent / 'boxes.txt'
    names.write_text('background\nrose\ndog\ntvmonitor')
    path = tiny / 'boxes' / 'a.json'
    message = "class 'aeroplane'; known: rose, dog, tvmonitor. "
    refuses('folder/tiny', f'{path}, box 3 ', message, 'boxes.txt')


@pytest.mark.parametrize(
    ('annotation', 'error'),
    [
        (('dog', 0, 1, 3, 4, 0), 'image of 40 x 30 pixels: it is [-1, 0,'),
        (('dog', 1, 1, 41, 4, 0), '40 x 30'),
        (('dog', 9, 1, 7, 4, 0), 'x1 > x2 or y1 > y2: it is [8, 0, 7, 4]'),
        (('dog', 9, 1, 8, 4, 0), 'no area'),
        (('dog', 'nan', 1, 8, 4, 0), 'not finite'),
        (('yeti', 1, 1, 8, 4, 0), "class 'yeti'; known: aeroplane, bicycle"),
        (('dog', '', 1, 8, 4, 0), 'xmin'),
    ],
)
def test_an_invalid_box_of_voc(annotation, error, tmp_path, refuses):
    write_voc2007(tmp_path)
    path = tmp_path / 'VOCdevkit/VOC2007/Annotations/000007.xml'
    write_annotation(path, ('dog', 1, 1, 40, 30, 0), annotation)
    refuses('voc2007', f'{path}, box 2 ', error)


@pytest.mark.parametrize(
    ('old', 'new', 'error'),
    [
        ('</annotation>', '', 'VOC'),
        ('<name>chair</name>', '', ', box 1 '),
        ('<xmin>1</xmin>', '', 'xmin'),
    ],
)
def test_a_damaged_annotation_of_voc(old, new, error, tmp_path, refuses):
    write_voc2007(tmp_path)
    path = tmp_path / 'VOCdevkit/VOC2007/Annotations/000007.xml'
    path.write_text(path.read_text().replace(old, new))
    refuses('voc2007', path, error)


def test_a_missing_annotation(tmp_path, refuses):
    write_voc2007(tmp_path)
    voc = tmp_path / 'VOCdevkit' / 'VOC2007'
    (voc / 'Annotations' / '000012.xml').unlink()
    refuses('voc2007', voc / 'Annotations/000012.xml', voc / 'ImageSets/Main/train.txt')
