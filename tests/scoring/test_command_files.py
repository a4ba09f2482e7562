"""python -m ubernet_jax.metrics: which files count, and values that can only be wrong."""

import json

import numpy as np
import pytest

from helpers.workplace import SHAPE, XML, line, save, write_boundaries
from ubernet_jax.metrics.boundaries import BoundaryMetric

MASK = np.zeros((4, 6), np.uint8)
MASK[1:3, 1:4] = 255


def message(place, capsys, task, *options: str) -> str:
    assert place.run(task, *options) == 2
    assert not place.json.exists()
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize('name', ['a.jpg', 'a.PNG', 'a.NPY', 'a.tiff'])
@pytest.mark.parametrize('options', [(), ('--allow-missing',)])
def test_a_prediction_with_another_ending_is_named(place, capsys, name, options):
    save(place.truths / 'a.png', MASK)
    (place.predictions / name).write_bytes(b'anything')
    said = message(place, capsys, 'saliency', *options)
    assert f'predictions/{name} does not count: files must end in .png, .npy, .npz, .mat' in said


def test_files_of_other_images_may_end_as_they_like(place):
    save(place.truths / 'a.png', MASK)
    save(place.predictions / 'a.png', MASK)
    (place.predictions / 'readme.txt').write_text('how these were made')
    (place.predictions / 'a.jpg').write_bytes(b'the photograph')
    (place.truths / 'b.jpg').write_bytes(b'a photograph without a mask')
    assert place.scores('saliency')['images'] == 1


@pytest.mark.parametrize(
    ('task', 'name', 'endings'),
    [
        ('saliency', 'b.PNG', '.png, .npy, .npz, .mat'),
        ('boundaries', 'b.Mat', '.png, .npy, .npz, .mat'),
        ('detection', 'b.XML', '.xml, .json'),
    ],
)
def test_ground_truth_in_upper_case_is_named(place, capsys, task, name, endings):
    save(place.truths / 'a.png', MASK)
    (place.truths / 'a.xml').write_text(XML.format(0))
    (place.truths / name).write_bytes(b'anything')
    said = message(place, capsys, task)
    assert f'truths/{name} does not count: files must end in {endings}' in said


def test_two_files_of_one_image_are_named(place, capsys):
    save(place.truths / 'a.png', MASK)
    save(place.predictions / 'a.png', MASK)
    save(place.predictions / 'a.npy', MASK)
    said = message(place, capsys, 'saliency')
    assert 'predictions/a.npy and ' in said and 'predictions/a.png are of one image' in said


def test_hidden_files_are_passed_over(place):
    """Those that macOS leaves beside each file on foreign disks and in archives."""
    for folder in (place.truths, place.predictions):
        save(folder / 'a.png', MASK)
        (folder / '._a.png').write_bytes(b'\0\5\x16\7')
    scores = place.scores('saliency')
    assert (scores['images'], scores['max_f']) == (1, 1)


def test_hidden_files_of_boundaries_and_classes_are_passed_over(place):
    write_boundaries(place)
    (place.truths / '._a.mat').write_bytes(b'\0\5\x16\7')
    assert place.scores('boundaries', '--thresholds', '3')['images'] == 2
    for folder, ending in ((place.truths, '.mat'), (place.predictions, '.png')):
        for name in 'ab':
            (folder / f'{name}{ending}').unlink()
    save(place.truths / 'a.png', MASK // 255)
    classes = place.truths.parent / 'classes.txt'
    classes.write_text('cat')
    (place.predictions / 'cat').mkdir()
    save(place.predictions / 'cat' / 'a.png', MASK)
    (place.predictions / 'cat' / '._a.png').write_bytes(b'\0\5\x16\7')
    options = '--thresholds', '3', '--classes', str(classes)
    assert place.scores('semantic-boundaries', *options)['images'] == 1


@pytest.mark.parametrize('layout', ['comp4', 'a file an image', 'a folder an image'])
def test_hidden_files_of_boxes_are_passed_over(place, layout):
    (place.truths / 'a.xml').write_text(XML.format(0))
    (place.truths / '._a.xml').write_bytes(b'\0\5\x16\7')
    boxes = json.dumps([{'box': [10, 20, 30, 60], 'label': 'dog', 'score': 0.9}])
    match layout:
        case 'comp4':
            name, text = 'comp4_det_val_dog.txt', 'a 0.9 11 21 30 60\n'
        case 'a file an image':
            name, text = 'a.json', boxes
        case 'a folder an image':
            name, text = 'a/detection.json', boxes
    path = place.predictions / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.with_name(f'._{path.name}').write_bytes(b'\0\5\x16\7')
    scores = place.scores('detection')
    assert (scores['map'], scores['images']) == (1, 1)


@pytest.mark.parametrize('suffix', ['.png', '.npy'])
def test_saliency_of_0_and_1_is_refused(place, capsys, suffix):
    for name in 'ab':
        save(place.truths / f'{name}.png', MASK)
        save(place.predictions / f'{name}{suffix}', MASK // 255)
    said = message(place, capsys, 'saliency')
    assert 'the predictions: no value is above 1, where 0 to 255 is meant' in said
    assert 'multiply the values by 255' in said
    # In one image of several there may be next to nothing.
    save(place.predictions / f'b{suffix}', MASK)
    assert place.scores('saliency')['images'] == 2


def test_saliency_of_0_and_1_in_floats_and_booleans_is_what_it_says(place):
    for name, dtype in (('a', np.float32), ('b', bool)):
        save(place.truths / f'{name}.png', MASK)
        save(place.predictions / f'{name}.npy', (MASK / 255).astype(dtype))
    assert place.scores('saliency')['mae'] == 0


@pytest.mark.parametrize('task', ['saliency', 'boundaries'])
def test_ground_truth_of_0_and_1_is_refused(place, capsys, task):
    for name in 'ab':
        save(place.truths / f'{name}.png', MASK // 255)
        save(place.predictions / f'{name}.png', MASK)
    said = message(place, capsys, task, '--thresholds', '3')
    assert 'the ground truth: no value is above 1, where 0 to 255 is meant' in said
    assert 'multiply the values by 255' in said


@pytest.mark.parametrize('layout', ['one', 'classes'])
def test_boundaries_of_0_and_1_are_refused(place, capsys, layout):
    mask = np.zeros(SHAPE, np.uint8)
    mask[:10] = 1
    save(place.truths / 'a.png', mask)
    strength = line(10).astype(np.uint8)
    classes = place.truths.parent / 'classes.txt'
    classes.write_text('cat\ndog\n')
    if layout == 'one':
        np.save(place.predictions / 'a.npy', np.stack([strength, strength]))
    else:
        for name in ('cat', 'dog'):
            (place.predictions / name).mkdir()
            save(place.predictions / name / 'a.png', strength)
    options = '--thresholds', '3', '--classes', str(classes)
    said = message(place, capsys, 'semantic-boundaries', *options)
    assert 'the predictions: no value is above 1' in said


@pytest.mark.parametrize('task', ['segmentation', 'semantic-boundaries'])
def test_class_maps_of_0_and_255_are_refused(place, capsys, task):
    save(place.truths / 'a.png', MASK)
    np.save(place.predictions / 'a.npy', np.zeros((20, *MASK.shape), np.uint8))
    if task == 'segmentation':
        np.save(place.predictions / 'a.npy', MASK // 255)
    said = message(place, capsys, task, '--thresholds', '3')
    assert 'the ground truth: the labels have no value but 0 and 255' in said


def test_values_are_judged_after_an_interruption_too(place, capsys, monkeypatch):
    for name in 'ab':
        save(place.truths / f'{name}.png', line(10) * np.uint8(255))
        save(place.predictions / f'{name}.png', line(10).astype(np.uint8))
    measure, measured = BoundaryMetric.measure, []

    def interrupted(self, prediction, truth):
        measured.append(1)
        if len(measured) == 2:
            raise KeyboardInterrupt
        return measure(self, prediction, truth)

    monkeypatch.setattr(BoundaryMetric, 'measure', interrupted)
    assert place.run('boundaries', '--thresholds', '3') == 130
    assert 'the predictions: no value is above 1' in message(
        place, capsys, 'boundaries', '--thresholds', '3'
    )
    assert len(measured) == 3
