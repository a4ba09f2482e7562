"""VOC's XML annotations: namespaces, white space, difficult flags, annotations of other tools."""

import pathlib

import pytest

from helpers import hostile_files
from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.voc_xml import read_voc_xml

OBJECT = """<object><name>{name}</name>{difficult}<bndbox><xmin>{x1}</xmin><ymin>11</ymin>
<xmax>40</xmax><ymax>30</ymax></bndbox></object>"""


def annotation(difficult: str = '', name: str = 'dog', x1: str = '11', attributes: str = '') -> str:
    box = OBJECT.format(name=name, difficult=difficult, x1=x1)
    return f'<annotation{attributes}><folder>VOC</folder>{box}</annotation>'


def read(folder: pathlib.Path, text: str) -> list[dict]:
    path = folder / 'a.xml'
    path.write_text(text)
    return read_voc_xml(path)


@pytest.mark.parametrize(
    'text',
    [
        annotation(),
        annotation(attributes=' xmlns="http://example.com/a"'),
        annotation(name='\n dog \n', x1=' 11\n'),
    ],
)
def test_namespaces_and_white_space_are_ignored(text, tmp_path):
    expected = {'label': 'dog', 'box': [10, 10, 40, 30], 'difficult': False}
    assert read(tmp_path, text) == [expected]


@pytest.mark.parametrize(
    ('text', 'difficult'),
    [('0', False), ('false', False), ('1', True), (' 1\n', True), ('True', True), ('true', True)],
)
def test_difficult_in_every_spelling(text, difficult, tmp_path):
    (entry,) = read(tmp_path, annotation(f'<difficult>{text}</difficult>'))
    assert entry['difficult'] is difficult


@pytest.mark.parametrize('text', ['Unspecified', 'yes', '2', ''])
def test_other_values_of_difficult_are_refused(text, tmp_path):
    with pytest.raises(MetricError, match=rf"a\.xml, box 1 .*difficult.*'{text}'"):
        read(tmp_path, annotation(f'<difficult>{text}</difficult>'))


def test_an_annotation_of_voc_without_objects_is_an_image_without_objects(tmp_path):
    assert read(tmp_path, '<annotation><size><width>60</width></size></annotation>') == []


@pytest.mark.parametrize(
    ('text', 'found'),
    [
        ('<annotations><image><box label="dog"/></image></annotations>', '<annotations>'),
        ('<annotations/>', '<annotations>'),
        ('<html/>', '<html>'),
        ('<annotation><box label="dog"/></annotation>', '<box>'),
        ('<annotation><item><bndbox/></item></annotation>', '<bndbox>'),
    ],
)
def test_annotations_of_other_tools_are_refused(text, found, tmp_path):
    with pytest.raises(MetricError, match=rf'a\.xml .*{found}.*<object>'):
        read(tmp_path, text)


def test_coordinates_from_0_to_1_are_refused(tmp_path):
    box = '<xmin>.1</xmin><ymin>.2</ymin><xmax>.5</xmax><ymax>.9</ymax>'
    text = f'<annotation><object><name>a</name><bndbox>{box}</bndbox></object></annotation>'
    with pytest.raises(MetricError, match=r'a\.xml.*pixels'):
        read(tmp_path, text)


def test_a_box_of_the_first_pixel_is_read(tmp_path):
    box = '<xmin>1</xmin><ymin>1</ymin><xmax>1</xmax><ymax>1</ymax>'
    text = f'<annotation><object><name>a</name><bndbox>{box}</bndbox></object></annotation>'
    assert read(tmp_path, text)[0]['box'] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (hostile_files.laughing_xml(3), 'document type'),
        (hostile_files.nested(b'<object>', b'</object>', 10_000), 'no name'),
        (b'<annotation>' + b' ' * 2**24 + b'</annotation>', '16,777,216'),
    ],
)
def test_a_hostile_annotation_is_refused(content, message, tmp_path):
    path = tmp_path / 'a.xml'
    path.write_bytes(content)
    with pytest.raises(MetricError, match=rf'a\.xml.*{message}'):
        read_voc_xml(path)
