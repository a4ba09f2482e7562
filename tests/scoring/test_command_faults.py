"""python -m ubernet_jax.metrics: missing predictions, files that cannot be read or scored."""

import numpy as np
import pytest

from helpers.workplace import XML, save, write_boundaries


def test_missing_prediction_is_named_or_counts_as_empty(place, capsys):
    write_boundaries(place)
    (place.predictions / 'b.png').unlink()
    assert place.run('boundaries', '--thresholds', '3') == 2
    assert 'no prediction for 1 of 2 images: b; ' in capsys.readouterr().err
    assert not place.json.exists()
    scores = place.scores('boundaries', '--thresholds', '3', '--allow-missing')
    assert scores['ods_recall'] == pytest.approx(0.5)
    assert scores['protocol']['missing_predictions'] == '1, counted as empty'
    assert 'the prediction is empty' in scores['notes']['b'][0]
    assert 'b: the prediction is empty' in capsys.readouterr().err


def test_missing_detections_count_as_none(place, capsys):
    for name in 'ab':
        (place.truths / f'{name}.xml').write_text(XML.format(0))
    (place.predictions / 'comp4_det_val_dog.txt').write_text('a 0.9 11 21 30 60\n')
    assert place.run('detection') == 2
    assert 'no prediction for 1 of 2 images: b' in capsys.readouterr().err
    assert place.scores('detection', '--ap', 'VOC10', '--allow-missing')['map'] == 0.5


@pytest.mark.parametrize('task', ['segmentation', 'parts', 'saliency', 'normals'])
def test_missing_prediction_of_other_maps_counts_as_empty(place, task):
    truth = np.full((4, 4, 3) if task == 'normals' else (4, 4), 255, np.uint8)
    if task in ('segmentation', 'parts'):
        truth[:] = 1
    save(place.truths / 'a.png', truth)
    scores = place.scores(task, '--allow-missing')
    key, worst = {
        'segmentation': ('miou', 0),
        'parts': ('miou', 0),
        'saliency': ('mae', 1),
        'normals': ('mean', 90),
    }[task]
    assert scores[key] == worst


def test_bad_files_are_named(place, capsys):
    def message(task='segmentation', *options) -> str:
        assert place.run(task, '--allow-missing', *options) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith('error: ')
        return error

    assert 'truths holds no ground truth' in message()
    save(place.truths / 'a.png', np.zeros((4, 5), np.uint8))
    save(place.predictions / 'a.png', np.zeros((5, 4), np.uint8))
    assert 'a: the prediction has shape (5, 4), the ground truth (4, 5)' in message()
    save(place.predictions / 'a.png', np.full((4, 5), 21, np.uint8))
    assert 'a: the prediction holds class index 21: allowed are 0 to 20' in message()
    (place.predictions / 'a.png').write_bytes(b'no picture')
    assert 'a.png: cannot be read as a picture' in message()
    (place.predictions / 'a.png').unlink()
    (place.predictions / 'a.npy').write_bytes(b'no array')
    assert 'a.npy: cannot be read as an array' in message()
    (place.predictions / 'a.npy').unlink()
    (place.predictions / 'a.npz').write_bytes(b'no array')
    assert 'a.npz: cannot be read as an array' in message()
    with (place.predictions / 'a.npz').open('wb') as file:
        np.save(file, np.zeros((1, 4, 5), np.uint8))  # one array, not several by name
    assert 'a.npz: cannot be read as an array' in message()
    np.savez(place.predictions / 'a.npz', one=np.zeros(1), two=np.zeros(1))
    assert "a.npz holds one, two: a single array, or one named 'segmentation'" in message()
    (place.predictions / 'a.npz').unlink()
    (place.predictions / 'a.mat').write_bytes(b'no matrix' * 50)
    assert 'a.mat cannot be read as a MATLAB file' in message()
    (place.predictions / 'a.mat').write_bytes(b'MATLAB 7.3 MAT-file'.ljust(124) + b'\0\2IM')
    assert 'a.mat is a MATLAB 7.3 file: save it with -v7' in message()
    (place.predictions / 'a.mat').unlink()
    np.save(place.predictions / 'a.npy', np.full((4, 5), 1.5))
    assert 'a.npy: got float64 from 1.5 to 1.5; a map of strengths is' in message('saliency')
    assert 'neither ID.json files nor comp4' in message_for_boxes(place, capsys)


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
def test_arrays_that_are_no_map_are_named(place, capsys, task, shape):
    np.save(place.truths / 'a.npy', np.zeros(shape, np.uint8))
    assert place.run(task, '--allow-missing', '--thresholds', '3') == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith('error: a: ')
    assert 'a.npy: got ' in error and str(shape) in error


@pytest.mark.parametrize('shape', [(0, 4, 5), (20, 0, 5), (20, 4, 0), (4,), ()])
def test_class_boundaries_that_are_no_maps_are_named(place, capsys, shape):
    save(place.truths / 'a.png', np.eye(4, 5, dtype=np.uint8))
    np.save(place.predictions / 'a.npy', np.zeros(shape, np.uint8))
    assert place.run('semantic-boundaries', '--thresholds', '3') == 2
    assert 'a.npy: ' in capsys.readouterr().err.splitlines()[-1]


def test_bad_class_folders_are_named(place, capsys):
    def message() -> str:
        assert place.run('semantic-boundaries', '--classes', str(classes)) == 2
        return capsys.readouterr().err

    classes = place.truths.parent / 'classes.txt'
    classes.write_text('cat\ndog\n')
    save(place.truths / 'a.png', np.zeros((4, 5), np.uint8))
    (place.predictions / 'cat').mkdir()
    save(place.predictions / 'cat' / 'a.png', np.zeros((4, 5), np.uint8))
    assert 'has no folder for the classes dog' in message()
    (place.predictions / 'dog').mkdir()
    assert 'no prediction for 1 of 1 images: a' in message()
    save(place.predictions / 'dog' / 'a.png', np.zeros((5, 4), np.uint8))
    assert 'dog/a.png has shape (5, 4) and is read as uint8, but ' in message()
    np.save(place.predictions / 'dog' / 'a.npy', np.zeros((4, 5)))
    (place.predictions / 'dog' / 'a.png').unlink()
    assert 'dog/a.npy has shape (4, 5) and is read as float64, but ' in message()


def message_for_boxes(place, capsys) -> str:
    (place.truths / 'a.xml').write_text(XML.format(0))
    assert place.run('detection') == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('comp4_det_val_dog.txt', 'a 0.9 1 2 3', 'line 1: needed are IMAGE SCORE X1 Y1 X2 Y2'),
        ('comp4_det_val_yeti.txt', 'a 0.9 1 2 3 4', "the class 'yeti': known are aeroplane"),
        ('a.json', '[{"box": [1, 2, 3]', 'a.json cannot be read as JSON'),
        ('a.json', '[{"box": [1, 2, 3, 4], "label": "dog"}]', '"score"'),
    ],
)
def test_bad_detections_are_named(place, capsys, name, text, message):
    (place.truths / 'a.xml').write_text(XML.format(0))
    (place.predictions / name).write_text(text)
    assert place.run('detection') == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('a.xml', '<annotation><object>', 'a.xml cannot be read as an annotation of VOC'),
        ('a.xml', '<a><object><name>dog</name></object></a>', 'a.xml, box 1 cannot be read'),
        ('a.json', '[{"label": "dog"}]', 'a.json, box 1 has no "box"; it needs "box" [x1,'),
        ('a.json', '[{"box": [0, 0, 1, 1], "label": "yeti"}]', "is of class 'yeti'; known: aeropl"),
        ('a.json', '[{"box": [5, 0, 1, 1], "label": "dog"}]', 'box 1 has x1 > x2 or y1 > y2'),
        ('a.json', '[{"box": [-1, 0, 1, 1], "label": "dog"}]', 'box 1 reaches out of its image: '),
    ],
)
def test_bad_annotations_are_named(place, capsys, name, text, message):
    (place.predictions / 'comp4_det_val_dog.txt').write_text('a 0.9 1 2 3 4')
    (place.truths / name).write_text(text)
    assert place.run('detection') == 2
    assert message in capsys.readouterr().err


def test_folders_and_class_files_that_do_not_exist(place, capsys):
    assert place.run('parts', '--classes', 'nowhere.txt') == 2
    assert '--classes nowhere.txt: ' in capsys.readouterr().err
    save(place.truths / 'a.png', np.zeros((4, 5), np.uint8))
    place.predictions.rmdir()
    for task in ('boundaries', 'detection'):
        assert place.run(task) == 2
        assert 'predictions' in capsys.readouterr().err
