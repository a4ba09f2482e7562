"""python -m ubernet_jax.metrics: which files are used, and implausible values."""

import json
import re

import numpy as np
import pytest

from helpers.scorer import SHAPE, XML, line, save, write_boundaries
from ubernet_jax.metrics.boundaries import BoundaryMetric

MASK = np.zeros((4, 6), np.uint8)
MASK[1:3, 1:4] = 255


@pytest.mark.parametrize('name', ['a.jpg', 'a.PNG', 'a.NPY', 'a.tiff'])
@pytest.mark.parametrize('options', [(), ('--allow-missing',)])
def test_a_prediction_with_the_wrong_suffix_is_reported(scorer, name, options):
    save(scorer.truths / 'a.png', MASK)
    (scorer.predictions / name).write_bytes(b'anything')
    error = scorer.error('saliency', *options)
    assert f'predictions/{name}' in error and '.png, .npy, .npz, .mat' in error


def test_other_files_may_have_any_suffix(scorer):
    save(scorer.truths / 'a.png', MASK)
    save(scorer.predictions / 'a.png', MASK)
    (scorer.predictions / 'readme.txt').write_text('how these were made')
    (scorer.predictions / 'a.jpg').write_bytes(b'the photograph')
    (scorer.truths / 'b.jpg').write_bytes(b'a photograph without a mask')
    assert scorer.scores('saliency')['images'] == 1


@pytest.mark.parametrize(
    ('task', 'name', 'suffixes'),
    [
        ('saliency', 'b.PNG', '.png, .npy, .npz, .mat'),
        ('boundaries', 'b.Mat', '.png, .npy, .npz, .mat'),
        ('detection', 'b.XML', '.xml, .json'),
    ],
)
def test_ground_truth_with_an_upper_case_suffix_is_reported(scorer, task, name, suffixes):
    save(scorer.truths / 'a.png', MASK)
    (scorer.truths / 'a.xml').write_text(XML.format(0))
    (scorer.truths / name).write_bytes(b'anything')
    error = scorer.error(task)
    assert f'truths/{name}' in error and suffixes in error


def test_two_files_of_the_same_image_are_reported(scorer):
    save(scorer.truths / 'a.png', MASK)
    save(scorer.predictions / 'a.png', MASK)
    save(scorer.predictions / 'a.npy', MASK)
    error = scorer.error('saliency')
    assert 'predictions/a.npy' in error and 'predictions/a.png' in error


def test_hidden_files_are_ignored(scorer):
    """macOS writes such files beside each file on other file systems and in archives."""
    for folder in (scorer.truths, scorer.predictions):
        save(folder / 'a.png', MASK)
        (folder / '._a.png').write_bytes(b'\0\5\x16\7')
    scores = scorer.scores('saliency')
    assert (scores['images'], scores['max_f']) == (1, 1)


def test_hidden_files_of_boundaries_and_class_folders_are_ignored(scorer):
    write_boundaries(scorer)
    (scorer.truths / '._a.mat').write_bytes(b'\0\5\x16\7')
    assert scorer.scores('boundaries', '--thresholds', '3')['images'] == 2
    for folder, ending in ((scorer.truths, '.mat'), (scorer.predictions, '.png')):
        for name in 'ab':
            (folder / f'{name}{ending}').unlink()
    save(scorer.truths / 'a.png', MASK // 255)
    classes = scorer.truths.parent / 'classes.txt'
    classes.write_text('cat')
    (scorer.predictions / 'cat').mkdir()
    save(scorer.predictions / 'cat' / 'a.png', MASK)
    (scorer.predictions / 'cat' / '._a.png').write_bytes(b'\0\5\x16\7')
    options = '--thresholds', '3', '--classes', str(classes)
    assert scorer.scores('semantic-boundaries', *options)['images'] == 1


@pytest.mark.parametrize(
    'name', ['comp4_det_val_dog.txt', 'a.json', 'a/detection.json'], ids=lambda name: name
)
def test_hidden_files_of_boxes_are_ignored(scorer, name):
    (scorer.truths / 'a.xml').write_text(XML.format(0))
    (scorer.truths / '._a.xml').write_bytes(b'\0\5\x16\7')
    boxes = json.dumps([{'box': [10, 20, 30, 60], 'label': 'dog', 'score': 0.9}])
    path = scorer.predictions / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(boxes if path.suffix == '.json' else 'a 0.9 11 21 30 60\n')
    path.with_name(f'._{path.name}').write_bytes(b'\0\5\x16\7')
    scores = scorer.scores('detection')
    assert (scores['map'], scores['images']) == (1, 1)


@pytest.mark.parametrize('suffix', ['.png', '.npy'])
def test_saliency_in_bytes_of_0_and_1_is_an_error(scorer, suffix):
    for name in 'ab':
        save(scorer.truths / f'{name}.png', MASK)
        save(scorer.predictions / f'{name}{suffix}', MASK // 255)
    assert re.search(r'predictions.*\b1\b.*255', scorer.error('saliency'))
    # It is plausible that a single image of several has no strong prediction.
    save(scorer.predictions / f'b{suffix}', MASK)
    assert scorer.scores('saliency')['images'] == 2


def test_saliency_of_0_and_1_in_floats_and_booleans_is_valid(scorer):
    for name, dtype in (('a', np.float32), ('b', bool)):
        save(scorer.truths / f'{name}.png', MASK)
        save(scorer.predictions / f'{name}.npy', (MASK / 255).astype(dtype))
    assert scorer.scores('saliency')['mae'] == 0


@pytest.mark.parametrize('task', ['saliency', 'boundaries'])
def test_ground_truth_in_bytes_of_0_and_1_is_an_error(scorer, task):
    for name in 'ab':
        save(scorer.truths / f'{name}.png', MASK // 255)
        save(scorer.predictions / f'{name}.png', MASK)
    assert re.search(r'ground truth.*\b1\b.*255', scorer.error(task, '--thresholds', '3'))


@pytest.mark.parametrize('layout', ['array', 'class folders'])
def test_class_boundaries_in_bytes_of_0_and_1_are_an_error(scorer, layout):
    mask = np.zeros(SHAPE, np.uint8)
    mask[:10] = 1
    save(scorer.truths / 'a.png', mask)
    strength = line(10).astype(np.uint8)
    classes = scorer.truths.parent / 'classes.txt'
    classes.write_text('cat\ndog\n')
    if layout == 'array':
        np.save(scorer.predictions / 'a.npy', np.stack([strength, strength]))
    else:
        for name in ('cat', 'dog'):
            (scorer.predictions / name).mkdir()
            save(scorer.predictions / name / 'a.png', strength)
    options = '--thresholds', '3', '--classes', str(classes)
    assert re.search(r'predictions.*\b1\b.*255', scorer.error('semantic-boundaries', *options))


@pytest.mark.parametrize('task', ['segmentation', 'semantic-boundaries'])
def test_class_maps_of_0_and_255_are_an_error(scorer, task):
    save(scorer.truths / 'a.png', MASK)
    np.save(scorer.predictions / 'a.npy', np.zeros((20, *MASK.shape), np.uint8))
    if task == 'segmentation':
        np.save(scorer.predictions / 'a.npy', MASK // 255)
    assert re.search('ground truth.*0 and 255', scorer.error(task, '--thresholds', '3'))


def test_values_are_also_checked_after_an_interruption(scorer, monkeypatch):
    for name in 'ab':
        save(scorer.truths / f'{name}.png', line(10) * np.uint8(255))
        save(scorer.predictions / f'{name}.png', line(10).astype(np.uint8))
    measure, measured = BoundaryMetric.measure, []

    def interrupted(self, prediction, truth):
        measured.append(1)
        if len(measured) == 2:
            raise KeyboardInterrupt
        return measure(self, prediction, truth)

    monkeypatch.setattr(BoundaryMetric, 'measure', interrupted)
    assert scorer.run('boundaries', '--thresholds', '3') == 130
    assert re.search(r'predictions.*\b1\b', scorer.error('boundaries', '--thresholds', '3'))
    assert len(measured) == 3
