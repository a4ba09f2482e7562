"""python -m ubernet_jax.metrics: what is in the folders but not scored; classes without files."""

import json

import numpy as np
import pytest

from helpers.scorer import XML, line, save

OTHER_OBJECT = XML.replace('dog', 'cat').replace('<annotation>', '').replace('</annotation>', '')
UNKNOWN = 'predictions of images without ground truth'


def last_line(capsys: pytest.CaptureFixture) -> str:
    return capsys.readouterr().out.splitlines()[-1]


def test_nothing_left_out(scorer, capsys):
    for folder in (scorer.truths, scorer.predictions):
        save(folder / 'a.png', line(10) * np.uint8(255))
    assert scorer.scores('saliency')['left_out'] == {}
    assert 'left out' not in last_line(capsys)


def test_maps(scorer, capsys):
    for folder in (scorer.truths, scorer.predictions):
        save(folder / 'a.png', line(10) * np.uint8(255))
        (folder / '._a.png').write_bytes(b'\0\5\x16\7')
    save(scorer.predictions / 'c.png', line(10) * np.uint8(255))
    (scorer.truths / 'a.jpg').write_bytes(b'the photograph')
    (scorer.truths / 'val').mkdir()
    assert scorer.scores('saliency')['left_out'] == {
        UNKNOWN: ['c.png'],
        'hidden files among the predictions': ['._a.png'],
        'hidden files among the ground truth': ['._a.png'],
        'other files among the ground truth': ['a.jpg'],
        'folders among the ground truth': ['val'],
    }
    text = last_line(capsys)
    assert '1 images' in text and f'{UNKNOWN}: 1 (c.png)' in text and 'a.jpg' in text


def test_folders_of_classes(scorer):
    mask = np.zeros((40, 50), np.uint8)
    mask[10:30, 10:40] = 1
    save(scorer.truths / 'a.png', mask)
    classes = scorer.truths.parent / 'classes.txt'
    classes.write_text('cat')
    for name in ('cat', 'dog'):
        (scorer.predictions / name).mkdir()
    for name in 'ab':
        save(scorer.predictions / 'cat' / f'{name}.png', line(10) * np.uint8(255))
    options = '--thresholds', '3', '--classes', str(classes)
    assert scorer.scores('semantic-boundaries', *options)['left_out'] == {
        UNKNOWN: ['cat/b.png'],
        'folders among the predictions': ['dog'],
    }


def test_detections_of_unknown_images_are_refused(scorer, capsys):
    """As the PASCAL VOC development kit does; the maps of other tasks are listed."""
    (scorer.truths / 'a.xml').write_text(XML.format(0))
    (scorer.truths / 'a.jpg').write_bytes(b'the photograph')
    table = scorer.predictions / 'comp4_det_val_dog.txt'
    table.write_text('a 0.9 11 21 30 60\nb 0.9 11 21 30 60\nc 0.9 11 21 30 60\n')
    for task in ('detection', 'proposals'):
        message = scorer.error(task)
        assert f'2 images with detections have no ground truth in {scorer.truths}' in message
        assert f'b in {table.name}' in message
    table.write_text('a 0.9 11 21 30 60\n')
    assert scorer.scores('detection')['left_out'] == {
        'other files among the ground truth': ['a.jpg'],
    }
    assert 'a.jpg' in last_line(capsys)


def test_the_output_of_predict(scorer):
    (scorer.truths / 'a.xml').write_text(XML.format(0))
    box = {'box': [10, 20, 30, 60], 'label': 'dog', 'score': 0.9}
    for name in 'ab':
        (scorer.predictions / name).mkdir()
        (scorer.predictions / name / 'detection.json').write_text(json.dumps([box]))
        (scorer.predictions / name / 'sheet.png').write_bytes(b'a picture')
    assert 'b in detection.json' in scorer.error('detection')
    (scorer.truths / 'b.xml').write_text(XML.format(0))
    assert scorer.scores('detection')['left_out'] == {}


def test_at_most_five_names_are_printed(scorer, capsys):
    save(scorer.truths / 'a.png', line(10) * np.uint8(255))
    for name in 'abcdefg':
        save(scorer.predictions / f'{name}.png', line(10) * np.uint8(255))
    assert len(scorer.scores('saliency')['left_out'][UNKNOWN]) == 6
    assert '6 (b.png, c.png, d.png, e.png, f.png, ...)' in last_line(capsys)


def test_a_class_without_a_file_is_named_if_it_has_an_object(scorer, capsys):
    text = XML.format(0).replace('</annotation>', f'{OTHER_OBJECT.format(0)}</annotation>')
    (scorer.truths / 'a.xml').write_text(text)
    (scorer.predictions / 'comp4_det_val_dog.txt').write_text('a 0.9 11 21 30 60\n')
    scores = scorer.scores('detection')
    assert (scores['per_class']['cat'], scores['map']) == (0, 0.5)
    assert scores['protocol']['classes_without_file'] == ['cat']
    assert last_line(capsys).endswith('cat')
