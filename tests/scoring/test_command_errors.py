"""python -m ubernet_jax.metrics: missing predictions, files that cannot be read or scored."""

import re

import numpy as np
import pytest

from helpers.scorer import XML, save, write_boundaries


def test_a_missing_prediction_is_reported_or_counts_as_empty(scorer, capsys):
    write_boundaries(scorer)
    (scorer.predictions / 'b.png').unlink()
    assert re.search('1 of 2 images: b', scorer.error('boundaries', '--thresholds', '3'))
    scores = scorer.scores('boundaries', '--thresholds', '3', '--allow-missing')
    assert scores['ods_recall'] == pytest.approx(0.5)
    assert scores['protocol']['missing_predictions'] == '1, counted as empty'
    (note,) = scores['notes']['b']
    assert 'empty' in note
    assert f'b: {note}' in capsys.readouterr().err


def test_missing_detections_are_reported_or_count_as_empty(scorer):
    for name in 'ab':
        (scorer.truths / f'{name}.xml').write_text(XML.format(0))
    (scorer.predictions / 'comp4_det_val_dog.txt').write_text('a 0.9 11 21 30 60\n')
    assert re.search('1 of 2 images: b', scorer.error('detection'))
    assert scorer.scores('detection', '--ap', 'VOC10', '--allow-missing')['map'] == 0.5


@pytest.mark.parametrize('task', ['segmentation', 'parts', 'saliency', 'normals'])
def test_missing_maps_of_other_tasks_count_as_empty(scorer, task):
    truth = np.full((4, 4, 3) if task == 'normals' else (4, 4), 255, np.uint8)
    if task in ('segmentation', 'parts'):
        truth[:] = 1
    save(scorer.truths / 'a.png', truth)
    scores = scorer.scores(task, '--allow-missing')
    key, worst = {
        'segmentation': ('miou', 0),
        'parts': ('miou', 0),
        'saliency': ('mae', 1),
        'normals': ('mean', 90),
    }[task]
    assert scores[key] == worst


def test_maps_that_do_not_fit_the_ground_truth_are_reported(scorer):
    assert 'truths' in scorer.error('segmentation')
    save(scorer.truths / 'a.png', np.zeros((4, 5), np.uint8))
    save(scorer.predictions / 'a.png', np.zeros((5, 4), np.uint8))
    assert re.search(r'^a:.*\(5, 4\).*\(4, 5\)', scorer.error('segmentation'))
    save(scorer.predictions / 'a.png', np.full((4, 5), 21, np.uint8))
    assert re.search('^a:.*class index 21.*0 to 20', scorer.error('segmentation'))


@pytest.mark.parametrize('name', ['a.png', 'a.npy', 'a.npz', 'a.mat'])
def test_damaged_maps_are_reported(scorer, name):
    save(scorer.truths / 'a.png', np.zeros((4, 5), np.uint8))
    (scorer.predictions / name).write_bytes(b'damaged' * 50)
    assert re.search(rf'^a:.*predictions/{name}', scorer.error('segmentation'))


def test_arrays_that_cannot_be_used_are_reported(scorer):
    save(scorer.truths / 'a.png', np.zeros((4, 5), np.uint8))
    npz, mat, npy = (scorer.predictions / f'a.{suffix}' for suffix in ('npz', 'mat', 'npy'))
    with npz.open('wb') as file:
        np.save(file, np.zeros((1, 4, 5), np.uint8))  # in the format of a .npy file
    assert 'a.npz' in scorer.error('segmentation')
    np.savez(npz, first=np.zeros(1), second=np.zeros(1))
    assert re.search(r"a\.npz.*first, second.*'segmentation'", scorer.error('segmentation'))
    npz.unlink()
    mat.write_bytes(b'MATLAB 7.3 MAT-file'.ljust(124) + b'\0\2IM')
    assert re.search(r'a\.mat.*7\.3.*-v7', scorer.error('segmentation'))
    mat.unlink()
    np.save(npy, np.full((4, 5), 1.5))
    assert re.search(r'a\.npy.*float64.*1\.5', scorer.error('saliency'))


def test_a_folder_without_detections_is_reported(scorer):
    (scorer.truths / 'a.xml').write_text(XML.format(0))
    assert 'predictions' in scorer.error('detection')


@pytest.mark.parametrize(
    ('task', 'shape'),
    [
        ('segmentation', (0, 5)),
        ('saliency', (5, 0)),
        ('boundaries', (0, 0)),
        ('boundaries', (0, 4, 5)),
        ('boundaries', (2, 0, 5)),
        ('semantic-boundaries', (5, 0)),
        ('normals', (4, 5)),
    ],
)
def test_arrays_that_are_not_maps_are_reported(scorer, task, shape):
    np.save(scorer.truths / 'a.npy', np.zeros(shape, np.uint8))
    error = scorer.error(task, '--allow-missing', '--thresholds', '3')
    assert error.startswith('a: ') and 'a.npy' in error and str(shape) in error


@pytest.mark.parametrize('shape', [(0, 4, 5), (20, 0, 5), (20, 4, 0), (4,), ()])
def test_class_boundaries_that_are_not_maps_are_reported(scorer, shape):
    save(scorer.truths / 'a.png', np.eye(4, 5, dtype=np.uint8))
    np.save(scorer.predictions / 'a.npy', np.zeros(shape, np.uint8))
    assert 'a.npy' in scorer.error('semantic-boundaries', '--thresholds', '3')


def test_errors_in_class_folders_are_reported(scorer):
    def error() -> str:
        return scorer.error('semantic-boundaries', '--classes', str(classes))

    classes = scorer.truths.parent / 'classes.txt'
    classes.write_text('cat\ndog\n')
    save(scorer.truths / 'a.png', np.zeros((4, 5), np.uint8))
    (scorer.predictions / 'cat').mkdir()
    save(scorer.predictions / 'cat' / 'a.png', np.zeros((4, 5), np.uint8))
    assert re.search(r'predictions.*\bdog\b', error())
    (scorer.predictions / 'dog').mkdir()
    assert '1 of 1 images: a' in error()
    save(scorer.predictions / 'dog' / 'a.png', np.zeros((5, 4), np.uint8))
    assert re.search(r'dog/a\.png.*\(5, 4\).*cat/a\.png.*\(4, 5\)', error())
    np.save(scorer.predictions / 'dog' / 'a.npy', np.zeros((4, 5)))
    (scorer.predictions / 'dog' / 'a.png').unlink()
    assert re.search(r'dog/a\.npy.*float64.*cat/a\.png.*uint8', error())


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('comp4_det_val_dog.txt', 'a 0.9 1 2 3', r"val_dog\.txt, line 1.*'a 0\.9 1 2 3'"),
        ('comp4_det_val_yeti.txt', 'a 0.9 1 2 3 4', 'predictions.*yeti.*aeroplane'),
        ('a.json', '[{"box": [1, 2, 3]', r'a\.json.*JSON'),
        ('a.json', '[{"box": [1, 2, 3, 4], "label": "dog"}]', r'a\.json.*"score"'),
    ],
)
def test_invalid_detections_are_reported(scorer, name, text, message):
    (scorer.truths / 'a.xml').write_text(XML.format(0))
    (scorer.predictions / name).write_text(text)
    assert re.search(message, scorer.error('detection'))


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('a.xml', '<annotation><object>', r'a\.xml.*VOC'),
        ('a.xml', '<a><object><name>dog</name></object></a>', r'a\.xml, box 1\b.*bndbox'),
        ('a.json', '[{"label": "dog"}]', r'a\.json, box 1\b.*"box"'),
        ('a.json', '[{"box": [0, 0, 1, 1], "label": "yeti"}]', r"a\.json, box 1\b.*'yeti'"),
        ('a.json', '[{"box": [5, 0, 1, 1], "label": "dog"}]', r'a\.json, box 1\b.*\[5, 0, 1, 1\]'),
        ('a.json', '[{"box": [-1, 0, 1, 1], "label": "dog"}]', r'a\.json, box 1\b.*\[-1, 0, 1, 1'),
        ('a.json', '[{"box": [0, 0, 9, "1299"], "label": "dog"}]', r"a\.json, box 1\b.*'1299'"),
        ('a.json', '[{"box": "1299", "label": "dog"}]', r"a\.json, box 1\b.*'1299'"),
        ('a.json', '[{"box": [0, 0, 9, true], "label": "dog"}]', r'a\.json, box 1\b.*True'),
        ('a.json', '[{"box": [0.1, 0.2, 0.5, 1], "label": "dog"}]', r'a\.json.*pixels'),
        ('a.json', '[{"box": [0, 0, 9, 9], "label": "dog", "label": "cat"}]', r"a\.json.*'label'"),
        ('a.xml', '<annotations><box label="dog"/></annotations>', r'a\.xml.*<annotations>'),
    ],
)
def test_invalid_annotations_are_reported(scorer, name, text, message):
    (scorer.predictions / 'comp4_det_val_dog.txt').write_text('a 0.9 1 2 3 4')
    (scorer.truths / name).write_text(text)
    assert re.search(message, scorer.error('detection'))


def test_a_class_that_is_named_twice_is_reported(scorer):
    classes = scorer.truths.parent / 'classes.txt'
    classes.write_text('cat\ndog\n cat\n')
    assert re.search(r"classes\.txt.*'cat'", scorer.error('parts', '--classes', str(classes)))


def test_a_byte_order_mark_is_not_part_of_the_first_class(scorer):
    classes = scorer.truths.parent / 'classes.txt'
    classes.write_bytes(b'\xef\xbb\xbfcat\ndog\n')
    save(scorer.truths / 'a.png', np.zeros((4, 5), np.uint8))
    save(scorer.predictions / 'a.png', np.zeros((4, 5), np.uint8))
    assert scorer.scores('parts', '--classes', str(classes))['per_class']['cat'] == 1


@pytest.mark.parametrize('largest', [1, 255])
@pytest.mark.parametrize('wrong', ['truths', 'predictions'])
def test_the_values_of_pictures_in_arrays_of_normals_are_reported(scorer, wrong, largest):
    angles = np.linspace(-0.5, 0.5, 20).reshape(4, 5)
    vectors = np.stack([np.sin(angles), np.zeros_like(angles), np.cos(angles)], axis=-1)
    for folder in (scorer.truths, scorer.predictions):
        np.save(folder / 'a.npy', vectors)
    assert scorer.scores('normals')['mean'] == pytest.approx(0, abs=1e-3)
    np.save(getattr(scorer, wrong) / 'a.npy', (vectors + 1) / 2 * largest)
    error = scorer.error('normals')
    assert error.startswith('a: ') and {1: '2 * v', 255: '127.5'}[largest] in error


def test_missing_folders_and_class_files_are_reported(scorer):
    assert re.search(r'--classes.*nowhere\.txt', scorer.error('parts', '--classes', 'nowhere.txt'))
    save(scorer.truths / 'a.png', np.zeros((4, 5), np.uint8))
    scorer.predictions.rmdir()
    for task in ('boundaries', 'detection'):
        assert str(scorer.predictions) in scorer.error(task)
