"""python -m ubernet_jax.metrics: all tasks and file formats."""

import json
import re
import shutil

import numpy as np
import pytest
import scipy.io
from PIL import Image
from scipy import sparse

from helpers.scorer import SHAPE, XML, line, save, save_bsds, write_boundaries


@pytest.mark.parametrize('suffix', ['.png', '.npy', '.npz', '.mat'])
def test_boundaries_in_every_format(scorer, suffix):
    write_boundaries(scorer, suffix)
    scores = scorer.scores('boundaries', '--thresholds', '5', '--max-distance', '0.03')
    assert (scores['ods'], scores['ois'], scores['images']) == (1, 1, 2)
    assert scores['protocol']['max_distance'] == '0.03 of the diagonal'
    assert scores['protocol']['missing_predictions'] == 'none'
    assert {'ap', 'r50', 'recall', 'precision'} <= scores.keys()
    assert list(scorer.json.parent.iterdir()) == [scorer.json]  # partial results are deleted


def test_contours_at_twice_the_resolution(scorer):
    save_bsds(scorer.truths / 'a.mat', line(10))
    double = np.zeros((2 * SHAPE[0] + 1, 2 * SHAPE[1] + 1))
    double[2::2, 2::2] = line(10)
    double[1::2] = 1  # between the pixels
    scipy.io.savemat(scorer.predictions / 'a.mat', {'ucm2': double})
    assert scorer.scores('boundaries', '--thresholds', '3')['ods'] == 1


def test_boundary_truth_as_pictures(scorer):
    save(scorer.truths / 'a.png', line(10) * np.uint8(255))
    save(scorer.predictions / 'a.png', line(10) * np.uint8(255))
    assert scorer.scores('boundaries', '--thresholds', '3')['ods'] == 1


@pytest.mark.parametrize('mode', ['pre-SEAL', 'post-SEAL'])
def test_semantic_boundaries_of_sbd(scorer, mode):
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
        (scorer.truths / folder).mkdir()
        scipy.io.savemat(scorer.truths / folder / 'a.mat', {kind: truth})
    (scorer.truths.parent / 'classes.txt').write_text('cat\ndog\n')
    np.save(scorer.predictions / 'a.npy', np.stack([edge, 0 * edge]).astype(np.float32))
    options = '--sbd', mode, '--thresholds', '3', '--classes'
    scores = scorer.scores(
        'semantic-boundaries', *options, str(scorer.truths.parent / 'classes.txt')
    )
    assert scores['protocol']['mode'] == mode
    assert scores['per_class']['dog'] == {'ods': None, 'ap': None}
    reduces_recall = mode == 'post-SEAL'  # its ground truth has the line between the instances
    assert (scores['per_class']['cat']['ods'] < 0.95) == reduces_recall
    if mode == 'pre-SEAL':
        shutil.rmtree(scorer.truths / 'cls')
        (scorer.truths / 'inst' / 'a.mat').rename(scorer.truths / 'a.mat')
        scorer.json.unlink()
        message = scorer.error(
            'semantic-boundaries', *options, str(scorer.truths.parent / 'classes.txt')
        )
        assert 'a' in message and 'inst' in message and 'post-SEAL' in message


def test_semantic_boundaries_from_class_masks_and_from_predict(scorer):
    mask = np.zeros(SHAPE, np.uint8)
    mask[10:30, 10:40] = 12  # dog
    mask[:, 30:] = 255  # no boundary with an area of void
    save(scorer.truths / 'a.png', mask)
    strength = np.zeros(SHAPE, np.float32)
    strength[10:30, 10] = strength[[10, 29], 10:30] = 0.8
    np.savez(
        scorer.predictions / 'a.npz',
        semantic_boundaries=np.full(SHAPE, 12, np.uint8),
        semantic_boundaries_strength=strength,
        boundaries=strength,
    )
    scores = scorer.scores('semantic-boundaries', '--thresholds', '3')
    assert scores['per_class']['dog']['ods'] > 0.95
    assert scores['per_class']['cat']['ods'] is None


def test_option_name_selects_the_array_of_predictions(scorer):
    save(scorer.truths / 'a.png', line(10) * np.uint8(255))
    np.savez(
        scorer.predictions / 'a.npz',
        boundaries=np.zeros(SHAPE, np.float32),
        contours=line(10).astype(np.float32),
    )
    assert scorer.scores('boundaries', '--thresholds', '3')['ods'] == 0
    assert scorer.scores('boundaries', '--thresholds', '3', '--name', 'contours')['ods'] == 1


def test_option_name_selects_the_arrays_of_class_boundaries(scorer):
    mask = np.zeros(SHAPE, np.uint8)
    mask[10:30, 10:40] = 12  # dog
    save(scorer.truths / 'a.png', mask)
    outline = mask != np.roll(mask, 1, axis=1)
    outline |= mask != np.roll(mask, 1, axis=0)
    arrays = {'outlines': np.full(SHAPE, 12, np.uint8), 'outlines_strength': outline.astype('f4')}
    np.savez(scorer.predictions / 'a.npz', **arrays)
    options = '--thresholds', '3', '--name', 'outlines'
    assert scorer.scores('semantic-boundaries', *options)['per_class']['dog']['ods'] > 0.95
    for changes, message in (
        ({'outlines_strength': None}, r"a\.npz.*'outlines'.*'outlines_strength'"),
        ({'outlines': np.full(SHAPE, 21, np.uint8)}, r'a\.npz.*class index 21.*0 to 20'),
        ({'outlines_strength': np.ones((3, 4))}, r'a\.npz.*outlines_strength.*\(3, 4\)'),
    ):
        changed = {name: array for name, array in (arrays | changes).items() if array is not None}
        np.savez(scorer.predictions / 'a.npz', **changed)
        assert re.search(message, scorer.error('semantic-boundaries', *options))


def test_the_output_of_predict(scorer):
    save(scorer.truths / 'a.png', line(10) * np.uint8(255))
    (scorer.predictions / 'a').mkdir()
    arrays = {'boundaries': line(10).astype(np.float32), 'saliency': np.zeros(SHAPE, np.float32)}
    np.savez(scorer.predictions / 'a' / 'predictions.npz', **arrays)
    assert scorer.scores('boundaries', '--thresholds', '3')['ods'] == 1
    assert scorer.scores('saliency')['mae'] == pytest.approx(34 / (SHAPE[0] * SHAPE[1]))
    (scorer.truths / 'a.png').unlink()
    (scorer.truths / 'a.xml').write_text(XML.format(0))
    box = {'box': [10, 20, 30, 60], 'label': 'dog', 'score': 0.9}
    (scorer.predictions / 'a' / 'pets.json').write_text(json.dumps([box]))
    assert scorer.scores('detection', '--name', 'pets')['map'] == 1


def test_boundary_truth_as_a_single_struct(scorer):
    truth = {'Boundaries': line(10).astype(np.uint8), 'Segmentation': np.zeros(SHAPE)}
    scipy.io.savemat(scorer.truths / 'a.mat', {'groundTruth': truth})
    save(scorer.predictions / 'a.png', line(10) * np.uint8(255))
    assert scorer.scores('boundaries', '--thresholds', '3')['ods'] == 1


def test_boundary_truth_as_an_array_of_structs(scorer):
    structs = np.zeros((1, 2), [('Boundaries', object)])
    structs['Boundaries'][0] = [line(10).astype(np.uint8), line(20).astype(np.uint8)]
    scipy.io.savemat(scorer.truths / 'a.mat', {'groundTruth': structs})
    save(scorer.predictions / 'a.png', line(10) * np.uint8(255))
    scores = scorer.scores('boundaries', '--thresholds', '3')
    assert scores['ods_recall'] == 0.5  # the prediction matches one of the two annotators


def test_semantic_boundaries_in_one_folder_per_class(scorer):
    mask = np.zeros(SHAPE, np.uint8)
    mask[10:30, 10:40] = 2
    save(scorer.truths / 'a.png', mask)
    strength = np.zeros(SHAPE, np.uint8)
    strength[10:30, 10] = strength[[10, 29], 10:40] = strength[10:30, 39] = 200
    for name, boundaries in (('cat', 0 * strength), ('dog', strength)):
        (scorer.predictions / name).mkdir()
        save(scorer.predictions / name / 'a.png', boundaries)
    classes = scorer.truths.parent / 'classes.txt'
    classes.write_text('cat\ndog\n')
    options = '--thresholds', '3', '--classes', str(classes)
    scores = scorer.scores('semantic-boundaries', *options)
    assert scores['per_class']['dog']['ods'] > 0.95
    assert scores['per_class']['cat']['ods'] is None


def test_segmentation_with_palette_and_parts(scorer):
    truth = np.array([[0, 1, 255], [2, 2, 0]], np.uint8)
    picture = Image.fromarray(truth)
    picture.putpalette(list(range(256)) * 3)
    picture.save(scorer.truths / 'a.png')
    save(scorer.predictions / 'a.png', np.where(truth == 255, 0, truth).astype(np.uint8))
    scores = scorer.scores('segmentation')
    assert scores['miou'] == 1
    assert scores['per_class']['aeroplane'] == 1
    assert scores['per_class']['bird'] is None
    assert scores['protocol']['ground_truth_files'] == str(scorer.truths)
    assert scorer.scores('parts')['per_class']['head'] == 1


def test_the_protocol_of_saliency_has_the_threshold_of_the_masks_and_the_files(scorer):
    for folder in (scorer.predictions, scorer.truths):
        save(folder / 'a.png', np.uint8([[0, 255]]))
    protocol = scorer.scores('saliency')['protocol']
    assert protocol['ground_truth'] == 'salient above 0.5'
    assert protocol['ground_truth_files'] == str(scorer.truths)
    assert protocol['prediction_files'] == str(scorer.predictions)


@pytest.mark.parametrize('depth', [8, 16])
def test_saliency_thresholds_are_exact_for_pictures(scorer, depth):
    """A grey value k / 255 counts at the threshold k / 255, with 8 bits and with 16."""
    grey = np.arange(256).reshape(16, 16)
    save(scorer.truths / 'a.png', np.where(grey == 255, 255, 0).astype(np.uint8))
    values = grey.astype(np.uint8) if depth == 8 else (257 * grey).astype(np.uint16)
    save(scorer.predictions / 'a.png', values)
    scores = scorer.scores('saliency')
    assert scores['recall'] == [1] * 256
    assert scores['precision'] == pytest.approx(1 / np.arange(256, 0, -1))


def test_saliency_with_and_without_stretch(scorer):
    save(scorer.truths / 'a.png', np.array([[255, 0], [0, 0]], np.uint8))
    save(scorer.predictions / 'a.npy', np.array([[0.5, 0.2], [0.0, 0.0]]))
    scores = scorer.scores('saliency')
    assert (scores['max_f'], scores['max_f_per_image']) == (1, 1)
    assert scores['mae'] == pytest.approx(0.7 / 4)
    assert scorer.scores('saliency', '--normalise')['mae'] == pytest.approx(0.4 / 4)


@pytest.mark.parametrize('suffix', ['.png', '.npy'])
def test_normals(scorer, suffix):
    up = np.zeros((2, 3, 3))
    up[..., 2] = 1
    truth = np.rint((up + 1) * 127.5).astype(np.uint8)
    truth[0] = [0, 0, 0], [128, 128, 128], [127, 127, 128]  # these pixels are unlabelled
    save(scorer.truths / 'a.png', truth)
    if suffix == '.png':
        save(scorer.predictions / 'a.png', np.rint((up + 1) * 127.5).astype(np.uint8))
    else:
        np.save(scorer.predictions / 'a.npy', up)
    scores = scorer.scores('normals')
    assert scores['pixels'] == 3
    assert scores['mean'] < 0.5
    assert scores['below_11_25'] == 100
    assert {'median', 'rmse', 'below_22_5', 'below_30'} <= scores.keys()


def test_normals_that_are_not_finite_are_unlabelled(scorer):
    truth = np.zeros((2, 3, 3), np.float32)
    truth[..., 2] = 1
    np.save(scorer.predictions / 'a.npy', truth)
    truth[0] = [np.nan, 0, 1], [np.inf, 0, 0], [0, 0, 0]
    np.save(scorer.truths / 'a.npy', truth)
    scores = scorer.scores('normals')
    assert (scores['pixels'], scores['mean']) == (3, 0)
    np.save(scorer.predictions / 'a.npy', truth)  # not finite where there is no ground truth
    assert scorer.scores('normals')['mean'] == 0
    np.save(scorer.predictions / 'a.npy', truth[::-1])  # not finite where there is ground truth
    assert scorer.scores('normals')['mean'] == 90


def test_normals_may_be_in_any_frame(scorer):
    """The scores are angles, so z may also point away from the camera."""
    away = np.zeros((6, 8, 3), np.float32)
    away[..., 2] = -1
    for folder in (scorer.truths, scorer.predictions):
        np.save(folder / 'a.npy', away)
    assert scorer.scores('normals')['mean'] == 0


def test_detection_and_proposals_of_voc_and_in_json(scorer):
    for name, difficult in (('a', 0), ('b', 1)):
        (scorer.truths / f'{name}.xml').write_text(XML.format(difficult))
    comp4 = scorer.predictions / 'comp4_det_val_dog.txt'
    # 11 of 20 columns: more than half, because the last pixel is included.
    comp4.write_text('a 0.9 11 21 21 60\nb 0.95 11 21 30 60\n')
    scores = scorer.scores('detection', '--ap', 'VOC10')
    assert (scores['map'], scores['per_class']['dog'], scores['images']) == (1, 1, 2)
    assert scores['protocol']['ap'] == 'VOC10'
    assert scorer.scores('proposals')['recall'] == {'100': 1, '300': 1, '1000': 1}
    assert scorer.scores('proposals')['average_recall']['100'] == pytest.approx(0.2)  # overlap .55

    comp4.write_text('a 0.9 11 21 20 60\nb 0.95 11 21 30 60\n')  # exactly half
    assert scorer.scores('detection')['map'] == 1
    comp4.write_text('a 0.9 11 21 19 60\nb 0.95 11 21 30 60\n')
    assert scorer.scores('detection')['map'] == 0

    comp4.unlink()
    (scorer.truths / 'b.xml').unlink()
    box = {'box': [10, 20, 21, 60], 'label': 'dog', 'score': 0.9}
    (scorer.predictions / 'a.json').write_text(json.dumps([box]))
    assert scorer.scores('detection')['map'] == 1
    (scorer.truths / 'a.xml').unlink()
    truth = {'box': [10, 20, 30, 60], 'label': 'dog', 'difficult': False}
    (scorer.truths / 'a.json').write_text(json.dumps([truth]))
    assert scorer.scores('detection')['map'] == 1
