"""python -m ubernet_jax.metrics: every task, every file format."""

import json

import numpy as np
import pytest
import scipy.io
from PIL import Image
from scipy import sparse

from helpers.workplace import SHAPE, XML, line, save, save_bsds, write_boundaries


@pytest.mark.parametrize('suffix', ['.png', '.npy', '.npz', '.mat'])
def test_boundaries_in_every_format(place, suffix):
    write_boundaries(place, suffix)
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
        semantic_boundaries_strength=strength,
        boundaries=strength,
    )
    scores = place.scores('semantic-boundaries', '--thresholds', '3')
    assert scores['per_class']['dog']['ods'] > 0.95
    assert scores['per_class']['cat']['ods'] is None


def test_predictions_under_another_name(place):
    save(place.truths / 'a.png', line(10) * np.uint8(255))
    np.savez(
        place.predictions / 'a.npz',
        boundaries=np.zeros(SHAPE, np.float32),
        contours=line(10).astype(np.float32),
    )
    assert place.scores('boundaries', '--thresholds', '3')['ods'] == 0
    assert place.scores('boundaries', '--thresholds', '3', '--name', 'contours')['ods'] == 1


def test_class_boundaries_under_another_name(place, capsys):
    mask = np.zeros(SHAPE, np.uint8)
    mask[10:30, 10:40] = 12  # dog
    save(place.truths / 'a.png', mask)
    outline = mask != np.roll(mask, 1, axis=1)
    outline |= mask != np.roll(mask, 1, axis=0)
    arrays = {'outlines': np.full(SHAPE, 12, np.uint8), 'outlines_strength': outline.astype('f4')}
    np.savez(place.predictions / 'a.npz', **arrays)
    options = '--thresholds', '3', '--name', 'outlines'
    assert place.scores('semantic-boundaries', *options)['per_class']['dog']['ods'] > 0.95
    np.savez(place.predictions / 'a.npz', outlines=np.full(SHAPE, 12, np.uint8))
    assert place.run('semantic-boundaries', *options) == 2
    assert "as 'outlines' and 'outlines_strength' in one .npz" in capsys.readouterr().err
    np.savez(place.predictions / 'a.npz', **arrays | {'outlines': np.full(SHAPE, 21, np.uint8)})
    assert place.run('semantic-boundaries', *options) == 2
    assert 'class index 21 is out of range; allowed are 0 to 20' in capsys.readouterr().err
    np.savez(place.predictions / 'a.npz', **arrays | {'outlines_strength': np.ones((3, 4))})
    assert place.run('semantic-boundaries', *options) == 2
    assert 'outlines_strength (3, 4): they must be of one image' in capsys.readouterr().err


def test_predictions_as_predict_writes_them(place):
    save(place.truths / 'a.png', line(10) * np.uint8(255))
    (place.predictions / 'a').mkdir()
    arrays = {'boundaries': line(10).astype(np.float32), 'saliency': np.zeros(SHAPE, np.float32)}
    np.savez(place.predictions / 'a' / 'predictions.npz', **arrays)
    assert place.scores('boundaries', '--thresholds', '3')['ods'] == 1
    assert place.scores('saliency')['mae'] == pytest.approx(34 / (SHAPE[0] * SHAPE[1]))
    (place.truths / 'a.png').unlink()
    (place.truths / 'a.xml').write_text(XML.format(0))
    box = {'box': [10, 20, 30, 60], 'label': 'dog', 'score': 0.9}
    (place.predictions / 'a' / 'pets.json').write_text(json.dumps([box]))
    assert place.scores('detection', '--name', 'pets')['map'] == 1


def test_boundary_truth_as_one_struct(place):
    truth = {'Boundaries': line(10).astype(np.uint8), 'Segmentation': np.zeros(SHAPE)}
    scipy.io.savemat(place.truths / 'a.mat', {'groundTruth': truth})
    save(place.predictions / 'a.png', line(10) * np.uint8(255))
    assert place.scores('boundaries', '--thresholds', '3')['ods'] == 1


def test_boundary_truth_as_an_array_of_structs(place):
    structs = np.zeros((1, 2), [('Boundaries', object)])
    structs['Boundaries'][0] = [line(10).astype(np.uint8), line(20).astype(np.uint8)]
    scipy.io.savemat(place.truths / 'a.mat', {'groundTruth': structs})
    save(place.predictions / 'a.png', line(10) * np.uint8(255))
    scores = place.scores('boundaries', '--thresholds', '3')
    assert scores['ods_recall'] == 0.5  # of the two annotators


def test_semantic_boundaries_in_a_folder_a_class(place):
    mask = np.zeros(SHAPE, np.uint8)
    mask[10:30, 10:40] = 2
    save(place.truths / 'a.png', mask)
    strength = np.zeros(SHAPE, np.uint8)
    strength[10:30, 10] = strength[[10, 29], 10:40] = strength[10:30, 39] = 200
    for name, boundaries in (('cat', 0 * strength), ('dog', strength)):
        (place.predictions / name).mkdir()
        save(place.predictions / name / 'a.png', boundaries)
    classes = place.truths.parent / 'classes.txt'
    classes.write_text('cat\ndog\n')
    options = '--thresholds', '3', '--classes', str(classes)
    scores = place.scores('semantic-boundaries', *options)
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


@pytest.mark.parametrize('depth', [8, 16])
def test_saliency_of_a_picture_reaches_its_own_thresholds(place, depth):
    """Each grey k / 255 counts at the threshold k / 255, whatever its bits."""
    grey = np.arange(256).reshape(16, 16)
    save(place.truths / 'a.png', np.where(grey == 255, 255, 0).astype(np.uint8))
    values = grey.astype(np.uint8) if depth == 8 else (257 * grey).astype(np.uint16)
    save(place.predictions / 'a.png', values)
    scores = place.scores('saliency')
    assert scores['recall'] == [1] * 256
    assert scores['precision'] == pytest.approx(1 / np.arange(256, 0, -1))


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
    truth[0] = [0, 0, 0], [128, 128, 128], [127, 127, 128]  # no label
    save(place.truths / 'a.png', truth)
    if suffix == '.png':
        save(place.predictions / 'a.png', np.rint((up + 1) * 127.5).astype(np.uint8))
    else:
        np.save(place.predictions / 'a.npy', up)
    scores = place.scores('normals')
    assert scores['pixels'] == 3
    assert scores['mean'] < 0.5
    assert scores['below_11_25'] == 100
    assert {'median', 'rmse', 'below_22_5', 'below_30'} <= scores.keys()


def test_normals_that_are_not_finite_are_unknown(place):
    truth = np.zeros((2, 3, 3), np.float32)
    truth[..., 2] = 1
    np.save(place.predictions / 'a.npy', truth)
    truth[0] = [np.nan, 0, 1], [np.inf, 0, 0], [0, 0, 0]
    np.save(place.truths / 'a.npy', truth)
    scores = place.scores('normals')
    assert (scores['pixels'], scores['mean']) == (3, 0)
    np.save(place.predictions / 'a.npy', truth)  # unknown where there is no truth
    assert place.scores('normals')['mean'] == 0
    np.save(place.predictions / 'a.npy', truth[::-1])  # and where there is one
    assert place.scores('normals')['mean'] == 90


def test_normals_may_point_anywhere_in_both(place):
    """In a frame where z points away from the camera, too: angles are what is scored."""
    away = np.zeros((6, 8, 3), np.float32)
    away[..., 2] = -1
    for folder in (place.truths, place.predictions):
        np.save(folder / 'a.npy', away)
    assert place.scores('normals')['mean'] == 0


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
