"""python -m ubernet_jax.metrics: every task, every file format, bad input, resuming."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import scipy.io
from PIL import Image
from scipy import sparse

from ubernet_jax.metrics.__main__ import main

SHAPE = (40, 50)


class Workplace:
    """A folder with predictions and ground truth, and the command run on them."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.predictions, self.truths = folder / 'predictions', folder / 'truths'
        self.predictions.mkdir()
        self.truths.mkdir()
        self.json = folder / 'out' / 'scores.json'

    def run(self, task: str, *options: str) -> int:
        paths = str(self.predictions), str(self.truths)
        return main([task, *paths, '--json', str(self.json), '--processes', '1', *options])

    def scores(self, task: str, *options: str) -> dict:
        assert self.run(task, *options) == 0
        return json.loads(self.json.read_text())


@pytest.fixture
def place(tmp_path) -> Workplace:
    return Workplace(tmp_path)


def save(path: pathlib.Path, array: np.ndarray, name: str = 'values') -> None:
    match path.suffix:
        case '.png':
            Image.fromarray(array).save(path)
        case '.npy':
            np.save(path, array)
        case '.npz':
            np.savez(path, **{name: array})
        case '.mat':
            scipy.io.savemat(path, {name: array})


def line(row: int) -> np.ndarray:
    boundary = np.zeros(SHAPE, bool)
    boundary[row, 8:42] = True
    return boundary


def save_bsds(path: pathlib.Path, *annotators: np.ndarray) -> None:
    cells = np.empty((1, len(annotators)), object)
    for i, boundary in enumerate(annotators):
        cells[0, i] = {'Boundaries': boundary.astype(np.uint8), 'Segmentation': np.zeros(SHAPE)}
    scipy.io.savemat(path, {'groundTruth': cells})


def boundaries(place: Workplace, suffix: str = '.png') -> None:
    for name, row in (('a', 10), ('b', 20)):
        save_bsds(place.truths / f'{name}.mat', line(row), line(row))
        strength = line(row) * np.uint8(200)
        save(
            place.predictions / f'{name}{suffix}',
            strength if suffix == '.png' else strength / 255,
        )


@pytest.mark.parametrize('suffix', ['.png', '.npy', '.npz', '.mat'])
def test_boundaries_in_every_format(place, suffix):
    boundaries(place, suffix)
    scores = place.scores('boundaries', '--thresholds', '5', '--max-distance', '0.03')
    assert (scores['ods'], scores['ois'], scores['images']) == (1, 1, 2)
    assert scores['protocol']['max_distance'] == '0.03 of the diagonal'
    assert scores['protocol']['missing_predictions'] == 'none'
    assert {'ap', 'r50', 'recall', 'precision'} <= scores.keys()
    assert list(place.json.parent.iterdir()) == [place.json]  # no partial results stay


def test_contours_at_twice_the_resolution(place):
    save_bsds(place.truths / 'a.mat', line(10))
    double = np.zeros((2 * SHAPE[0] + 1, 2 * SHAPE[1] + 1))
    double[2::2, 2::2] = line(10)
    double[1::2] = 1  # between the pixels
    scipy.io.savemat(place.predictions / 'a.mat', {'ucm2': double})
    assert place.scores('boundaries', '--thresholds', '3')['ods'] == 1


def test_boundary_truth_as_pictures(place):
    save(place.truths / 'a.png', line(10) * np.uint8(255))
    save(place.predictions / 'a.png', line(10) * np.uint8(255))
    assert place.scores('boundaries', '--thresholds', '3')['ods'] == 1


@pytest.mark.parametrize('mode', ['pre-SEAL', 'post-SEAL'])
def test_semantic_boundaries_of_sbd(place, mode):
    segmentation = np.zeros(SHAPE, np.uint8)
    segmentation[10:30, 10:40] = 1
    edge = np.zeros(SHAPE, bool)
    edge[10:30, [10, 39]] = edge[[10, 29], 10:40] = True
    middle = np.zeros(SHAPE, bool)
    middle[10:30, 25] = True  # between two instances
    for folder, kind, cells in (
        ('cls', 'GTcls', [edge, 0 * edge]),
        ('inst', 'GTinst', [edge, middle]),
    ):
        boundary_cells = np.empty((2, 1), object)
        for i, boundary in enumerate(cells):
            boundary_cells[i, 0] = sparse.csc_matrix(boundary.astype(float))
        truth = {'Segmentation': segmentation, 'Boundaries': boundary_cells}
        if kind == 'GTinst':
            truth['Categories'] = np.array([[1.0], [1.0]])
        (place.truths / folder).mkdir()
        scipy.io.savemat(place.truths / folder / 'a.mat', {kind: truth})
    (place.truths.parent / 'classes.txt').write_text('cat\ndog\n')
    np.save(place.predictions / 'a.npy', np.stack([edge, 0 * edge]).astype(np.float32))
    options = '--sbd', mode, '--thresholds', '3', '--classes'
    scores = place.scores('semantic-boundaries', *options, str(place.truths.parent / 'classes.txt'))
    assert scores['protocol']['mode'] == mode
    assert scores['per_class']['dog'] == {'ods': None, 'ap': None}
    recall_lost = mode == 'post-SEAL'  # the line between the instances is part of its truth
    assert (scores['per_class']['cat']['ods'] < 0.95) == recall_lost


def test_semantic_boundaries_from_class_masks_and_our_own_predictions(place):
    mask = np.zeros(SHAPE, np.uint8)
    mask[10:30, 10:40] = 12  # dog
    mask[10:30, 30:40] = 255  # no boundary with void
    save(place.truths / 'a.png', mask)
    strength = np.zeros(SHAPE, np.float32)
    strength[10:30, 10] = strength[[10, 29], 10:30] = 0.8
    np.savez(
        place.predictions / 'a.npz',
        semantic_boundaries=np.full(SHAPE, 12, np.uint8),
        semantic_boundary_strength=strength,
        boundaries=strength,
    )
    scores = place.scores('semantic-boundaries', '--thresholds', '3')
    assert scores['per_class']['dog']['ods'] > 0.95
    assert scores['per_class']['cat']['ods'] is None


def test_segmentation_with_palette_and_parts(place):
    truth = np.array([[0, 1, 255], [2, 2, 0]], np.uint8)
    picture = Image.fromarray(truth)
    picture.putpalette(list(range(256)) * 3)
    picture.save(place.truths / 'a.png')
    save(place.predictions / 'a.png', np.where(truth == 255, 0, truth).astype(np.uint8))
    scores = place.scores('segmentation')
    assert scores['miou'] == 1
    assert scores['per_class']['aeroplane'] == 1
    assert scores['per_class']['bird'] is None
    assert scores['protocol']['ground_truth'] == str(place.truths)
    assert place.scores('parts')['per_class']['head'] == 1


def test_saliency_with_and_without_stretch(place):
    save(place.truths / 'a.png', np.array([[255, 0], [0, 0]], np.uint8))
    save(place.predictions / 'a.npy', np.array([[0.5, 0.2], [0.0, 0.0]]))
    scores = place.scores('saliency')
    assert (scores['max_f'], scores['max_f_per_image']) == (1, 1)
    assert scores['mae'] == pytest.approx(0.7 / 4)
    assert place.scores('saliency', '--normalise')['mae'] == pytest.approx(0.4 / 4)


@pytest.mark.parametrize('suffix', ['.png', '.npy'])
def test_normals(place, suffix):
    up = np.zeros((2, 3, 3))
    up[..., 2] = 1
    truth = np.rint((up + 1) * 127.5).astype(np.uint8)
    truth[0, 0] = 0  # no label
    save(place.truths / 'a.png', truth)
    if suffix == '.png':
        save(place.predictions / 'a.png', np.rint((up + 1) * 127.5).astype(np.uint8))
    else:
        np.save(place.predictions / 'a.npy', up)
    scores = place.scores('normals')
    assert scores['pixels'] == 5
    assert scores['mean'] < 0.5
    assert scores['below_11_25'] == 100
    assert {'median', 'rmse', 'below_22_5', 'below_30'} <= scores.keys()


XML = """<annotation><object><name>dog</name><difficult>{}</difficult><bndbox><xmin>11</xmin>
<ymin>21</ymin><xmax>30</xmax><ymax>60</ymax></bndbox></object></annotation>"""


def test_detection_and_proposals_of_voc_and_in_json(place):
    for name, difficult in (('a', 0), ('b', 1)):
        (place.truths / f'{name}.xml').write_text(XML.format(difficult))
    comp4 = place.predictions / 'comp4_det_val_dog.txt'
    # 11 of 20 columns: more than half only because the last pixel counts.
    comp4.write_text('a 0.9 11 21 21 60\nb 0.95 11 21 30 60\n')
    scores = place.scores('detection', '--ap', 'VOC10')
    assert (scores['map'], scores['per_class']['dog'], scores['images']) == (1, 1, 2)
    assert scores['protocol']['ap'] == 'VOC10'
    assert place.scores('proposals')['recall'] == {'100': 1, '300': 1, '1000': 1}
    assert place.scores('proposals')['average_recall']['100'] == pytest.approx(0.2)  # overlap .55

    comp4.write_text('a 0.9 11 21 20 60\nb 0.95 11 21 30 60\n')  # exactly half
    assert place.scores('detection')['map'] == 0

    comp4.unlink()
    (place.truths / 'b.xml').unlink()
    box = {'box': [10, 20, 21, 60], 'label': 'dog', 'score': 0.9}
    (place.predictions / 'a.json').write_text(json.dumps([box]))
    assert place.scores('detection')['map'] == 1
    (place.truths / 'a.xml').unlink()
    truth = {'box': [10, 20, 30, 60], 'label': 'dog', 'difficult': False}
    (place.truths / 'a.json').write_text(json.dumps([truth]))
    assert place.scores('detection')['map'] == 1


def test_missing_prediction_is_named_or_counts_as_empty(place, capsys):
    boundaries(place)
    (place.predictions / 'b.png').unlink()
    assert place.run('boundaries', '--thresholds', '3') == 2
    assert 'no prediction for 1 of 2 images: b; ' in capsys.readouterr().err
    assert not place.json.exists()
    scores = place.scores('boundaries', '--thresholds', '3', '--allow-missing')
    assert scores['ods_recall'] == pytest.approx(0.5)
    assert scores['protocol']['missing_predictions'] == '1, counted as empty'
    assert 'the prediction is empty' in scores['remarks']['b'][0]
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
    assert 'a.png cannot be read as a picture' in message()
    (place.predictions / 'a.png').unlink()
    (place.predictions / 'a.npy').write_bytes(b'no array')
    assert 'a.npy cannot be read as a NumPy file' in message()
    (place.predictions / 'a.npy').unlink()
    (place.predictions / 'a.npz').write_bytes(b'no array')
    assert 'a.npz cannot be read as a NumPy file' in message()
    np.savez(place.predictions / 'a.npz', one=np.zeros(1), two=np.zeros(1))
    assert "a.npz holds one, two: a single array, or one named 'segmentation'" in message()
    (place.predictions / 'a.npz').unlink()
    (place.predictions / 'a.mat').write_bytes(b'no matrix' * 50)
    assert 'a.mat cannot be read as a MATLAB file' in message()
    (place.predictions / 'a.mat').write_bytes(b'MATLAB 7.3 MAT-file'.ljust(124) + b'\0\2IM')
    assert 'a.mat is a MATLAB 7.3 file: save it with -v7' in message()
    (place.predictions / 'a.mat').unlink()
    np.save(place.predictions / 'a.npy', np.full((4, 5), 1.5))
    assert 'a: the prediction has values from 1.5 to 1.5' in message('saliency')
    assert 'neither ID.json files nor comp4' in message_for_boxes(place, capsys)


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
        ('a.xml', '<a><object><name>dog</name></object></a>', 'a.xml cannot be read'),
        ('a.json', '[{"label": "dog"}]', 'each object needs "box"'),
    ],
)
def test_bad_annotations_are_named(place, capsys, name, text, message):
    (place.predictions / 'comp4_det_val_dog.txt').write_text('a 0.9 1 2 3 4')
    (place.truths / name).write_text(text)
    assert place.run('detection') == 2
    assert message in capsys.readouterr().err


def test_folders_and_class_files_that_do_not_exist(place, capsys):
    assert place.run('parts', '--classes', 'nowhere.txt') == 2
    assert '--classes: ' in capsys.readouterr().err
    place.predictions.rmdir()
    for task in ('boundaries', 'detection'):
        assert place.run(task) == 2
        assert 'predictions' in capsys.readouterr().err


def test_interrupted_run_goes_on_where_it_stopped(place, monkeypatch, capsys):
    from ubernet_jax.metrics.boundaries import BoundaryMetric

    boundaries(place)
    plain = place.scores('boundaries', '--thresholds', '5')
    measure, measured = BoundaryMetric.measure, []

    def interrupted(self, prediction, truth):
        if measured:
            raise KeyboardInterrupt
        measured.append(1)
        return measure(self, prediction, truth)

    monkeypatch.setattr(BoundaryMetric, 'measure', interrupted)
    assert place.run('boundaries', '--thresholds', '5') == 130
    assert 'run it again to go on' in capsys.readouterr().err

    def counted(self, prediction, truth):
        measured.append(1)
        return measure(self, prediction, truth)

    monkeypatch.setattr(BoundaryMetric, 'measure', counted)
    assert place.scores('boundaries', '--thresholds', '5') == plain
    assert len(measured) == 2  # one before, one after

    monkeypatch.setattr(BoundaryMetric, 'measure', interrupted)
    measured.clear()
    assert place.run('boundaries', '--thresholds', '5') == 130
    monkeypatch.setattr(BoundaryMetric, 'measure', counted)
    measured.clear()
    place.scores('boundaries', '--thresholds', '4')  # other settings: nothing is taken over
    assert len(measured) == 2


def test_newer_predictions_are_measured_again(place, monkeypatch):
    from ubernet_jax.metrics.boundaries import BoundaryMetric

    boundaries(place)
    plain = place.scores('boundaries', '--thresholds', '5')
    monkeypatch.setattr(BoundaryMetric, 'compute', _interrupt)
    assert place.run('boundaries', '--thresholds', '5') == 130
    monkeypatch.undo()
    for name in 'ab':
        path = place.predictions / f'{name}.png'
        save(path, np.zeros(SHAPE, np.uint8))
        later = path.stat().st_mtime + 60
        os.utime(path, (later, later))
    assert plain['ods'] == 1
    assert place.scores('boundaries', '--thresholds', '5')['ods'] == 0


def _interrupt(self):
    raise KeyboardInterrupt


def test_processes_give_the_same_scores_as_one(place):
    boundaries(place)
    expected = place.scores('boundaries', '--thresholds', '5')
    arguments = [str(place.predictions), str(place.truths), '--json', str(place.json)]
    command = [sys.executable, '-m', 'ubernet_jax.metrics', 'boundaries', *arguments]
    run = subprocess.run(
        [*command, '--thresholds', '5', '--processes', '2'], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(place.json.read_text()) == expected
    assert 'ods 1.0000' in run.stdout
    assert '2/2' in run.stderr
    (place.predictions / 'a.png').write_bytes(b'broken')
    run = subprocess.run([*command, '--processes', '2'], capture_output=True, text=True)
    assert run.returncode == 2
    assert 'Traceback' not in run.stderr
    assert 'error: a: ' in run.stderr


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--plot', 'x.txt'), '--plot x.txt: the name must end in .png, .pdf, .svg'),
        (('--processes', '0'), '--processes 0: at least 1 is needed'),
        (('--max-distance', '3'), 'max_distance is 3.0: a share of the diagonal is needed'),
        (('--max-distance', '0'), 'max_distance is 0.0'),
        (('--thresholds', '1'), 'thresholds is 1: at least 2 are needed'),
    ],
)
def test_bad_options_are_named(place, capsys, options, message):
    boundaries(place)
    assert place.run('boundaries', *options) == 2
    assert message in capsys.readouterr().err


def test_output_that_cannot_be_written_is_named(place, capsys):
    boundaries(place)
    place.json.parent.write_text('a file where a folder should be')
    assert place.run('boundaries', '--thresholds', '3') == 2
    assert str(place.json.parent) in capsys.readouterr().err


def test_plot_is_written(place):
    boundaries(place)
    picture = place.json.with_suffix('.png')
    place.scores('boundaries', '--thresholds', '3', '--plot', str(picture))
    assert Image.open(picture).size == (720, 720)


def test_help_lists_what_is_allowed(capsys):
    with pytest.raises(SystemExit, match='2'):
        main(['boundaries', 'x', 'y', '--json', 'z', '--nms', 'other'])
    assert "'none', 'smoothed', 'unsmoothed'" in capsys.readouterr().err
