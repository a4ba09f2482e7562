"""The boundary metric: the official golden case, a synthetic case, properties, invalid input."""

import json

import numpy as np
import pytest
import scipy.io
from PIL import Image

from ubernet_jax.metrics.boundaries import BoundaryMetric, boundary_thresholds
from ubernet_jax.metrics.boundary_counts import count_matches, thinned_maps
from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.nms import Nms
from ubernet_jax.metrics.precision_recall import optimal_dataset_scale


def circle(radius: float, size: int = 64) -> np.ndarray:
    y, x = np.indices((size, size)) - size // 2
    return np.abs(np.hypot(y, x) - radius) < 0.5


def test_official_golden_case(data_root):
    """Official output for the bench's five png maps with five thresholds."""
    bench = data_root / 'BSDS500' / 'bench' / 'data'
    metric = BoundaryMetric(thresholds=5)
    for path in sorted((bench / 'png').glob('*.png')):
        annotators = scipy.io.loadmat(bench / 'groundTruth' / f'{path.stem}.mat')['groundTruth'][0]
        boundaries = np.stack([annotator['Boundaries'][0, 0] for annotator in annotators])
        metric.update(np.asarray(Image.open(path)), boundaries)
    result = metric.compute()
    assert result.images == 5
    assert result.ods == pytest.approx(0.704628, abs=5e-4)
    assert result.ods_recall == pytest.approx(0.60236, abs=5e-4)
    assert result.ods_precision == pytest.approx(0.848723, abs=1e-3)
    assert result.ods_threshold == pytest.approx(1 / 6)
    assert result.ois == pytest.approx(0.708698, abs=5e-4)
    assert result.ois_recall == pytest.approx(0.580822, abs=5e-4)
    assert result.ois_precision == pytest.approx(0.908779, abs=1e-3)
    assert result.ap == pytest.approx(0.307627, abs=1e-3)
    total = np.stack(metric.counts).sum(0)  # the best threshold is one of the five
    without = optimal_dataset_scale(total, metric.thresholds, interpolate=False)
    assert without.f == pytest.approx(0.704628, abs=5e-4)
    official_recall = [0.60236, 0.443249, 0.383339, 0.380404, 0.274124]
    official_precision = [0.848723, 0.926853, 0.967137, 0.986264, 0.996101]
    assert result.recall == pytest.approx(official_recall, abs=5e-4)
    assert result.precision == pytest.approx(official_precision, abs=1e-3)


def test_synthetic_golden_case():
    """Two lines of 20 pixels and two annotators, with counts that were computed manually."""
    truth = np.zeros((2, 30, 40), bool)
    truth[:, 5, 10:30] = True  # both annotators
    truth[1, 15, 10:30] = True  # the second only
    prediction = np.zeros((30, 40))
    prediction[6, 10:30] = 0.9  # one pixel off both annotators' line: within the tolerance
    prediction[15, 10:20] = 0.5  # half of the second annotator's line
    prediction[25, 10:20] = 0.3  # not near any line
    metric = BoundaryMetric(thresholds=4, max_distance=1.0 / 50)  # thresholds .2 .4 .6 .8, 1 pixel
    metric.update(prediction, truth)
    assert metric.counts[0].tolist() == [
        [50, 60, 30, 40],
        [50, 60, 30, 30],
        [40, 60, 20, 20],
        [40, 60, 20, 20],
    ]
    result = metric.compute()
    assert result.ods == pytest.approx(2 * (5 / 6) / (11 / 6))
    assert result.ois == result.ods
    # Precision falls from 1 at recall 2/3 to 3/4 at 5/6 (the lowest threshold with that recall):
    # levels .67 to .83 add 17 - 1.5 * (12.75 - 17 * 2/3).
    assert result.ap == pytest.approx(0.14875)


def test_pixels_beyond_the_tolerance_are_false_positives():
    truth = np.zeros((30, 40), bool)
    truth[5, 10:30] = True
    prediction = np.zeros((30, 40))
    prediction[7, 10:30] = 1
    near, far = (
        BoundaryMetric(thresholds=2, max_distance=distance / 50) for distance in (2.0, 1.9)
    )
    near.update(prediction, truth)
    far.update(prediction, truth)
    assert near.compute().ods == 1
    assert far.compute().ods < 1


def test_perfect_prediction_scores_one_and_thick_lines_are_thinned():
    truth = circle(20)
    metric = BoundaryMetric(thresholds=9)
    metric.update(truth.astype(float), truth)
    assert metric.compute().ods == pytest.approx(1, abs=0.02)
    y, x = np.indices((64, 64)) - 32
    soft = np.clip(1 - np.abs(np.hypot(y, x) - 20) / 4, 0, 1)
    metric = BoundaryMetric(thresholds=9, max_distance=0.03, nms=Nms.SMOOTHED)
    metric.update(soft, truth)
    assert metric.compute().ods > 0.95


def test_counts_do_not_depend_on_the_order_of_annotators_or_images():
    rng = np.random.default_rng(0)
    images = [
        (rng.random((40, 50)) * circle(15, 50)[:40], rng.random((3, 40, 50)) > 0.95)
        for _ in range(3)
    ]
    forward, backward = BoundaryMetric(thresholds=9), BoundaryMetric(thresholds=9)
    for prediction, truth in images:
        forward.update(prediction, truth)
    for prediction, truth in images[::-1]:
        backward.update(prediction, truth[::-1])
    assert forward.compute().to_json() == backward.compute().to_json()


def test_reusing_matchings_between_thresholds_does_not_change_counts():
    """Counts may differ only by ties among equally good matchings."""
    rng = np.random.default_rng(1)
    strength, truth = rng.random((60, 60)) ** 4, rng.random((2, 60, 60)) > 0.93
    maps = thinned_maps(strength, boundary_thresholds(9))
    joint = count_matches(maps, truth, 0.02)
    separate = np.concatenate([count_matches([lines], truth, 0.02) for lines in maps])
    assert joint[:, [0, 1, 3]].tolist() == separate[:, [0, 1, 3]].tolist()
    assert np.abs(joint[:, 2] - separate[:, 2]).max() <= 0.02 * separate[:, 3].max()


def test_eight_bit_and_float_predictions_agree():
    prediction = np.random.default_rng(2).integers(0, 256, (30, 30), dtype=np.uint8)
    truth = circle(10, 30)
    metrics = BoundaryMetric(), BoundaryMetric()
    metrics[0].update(prediction, truth)
    metrics[1].update(prediction.astype(np.float32) / 255, truth)
    assert metrics[0].counts[0].tolist() == metrics[1].counts[0].tolist()


def test_empty_predictions_and_images_without_boundary_count_and_get_notes():
    metric = BoundaryMetric(thresholds=3)
    empty = metric.measure(np.zeros((64, 64)), circle(20))
    without_truth = metric.measure(circle(20).astype(float), np.zeros((2, 64, 64), bool))
    (note,) = metric.notes(empty)
    assert 'prediction' in note and 'empty' in note
    (note,) = metric.notes(without_truth)
    assert 'ground truth' in note and 'no boundary' in note
    metric.add(empty)
    assert metric.compute().ods == 0
    metric.update(circle(20).astype(float), circle(20))
    assert metric.compute().ods_recall == pytest.approx(0.5, abs=0.02)
    precision = metric.compute().ods_precision
    metric.add(without_truth)
    assert metric.compute().ods_precision < 0.6 < precision


def test_json_states_the_protocol():
    metric = BoundaryMetric(thresholds=3, max_distance=0.011, nms=Nms.UNSMOOTHED)
    metric.update(circle(20).astype(float), circle(20))
    document = json.loads(json.dumps(metric.compute().to_json(), allow_nan=False))
    assert {'ods', 'ois', 'ap', 'r50', 'images'} <= document.keys()
    assert document['protocol']['nms'] == 'unsmoothed'
    assert document['protocol']['thresholds'] == '3, 0.25 to 0.75'
    assert document['protocol']['max_distance'] == '0.011 of the diagonal'


@pytest.mark.parametrize(
    ('prediction', 'truth', 'message'),
    [
        (np.full((4, 4), 1.2), np.zeros((4, 4), bool), r'prediction.*1\.2'),
        (np.zeros((4, 4)), np.zeros((5, 4), bool), r'\(4, 4\).*ground truth.*\(5, 4\)'),
        (np.zeros((4, 4)), np.zeros((0, 4, 4), bool), r'ground truth.*\(0, 4, 4\)'),
        (np.zeros((4, 4)), np.full((4, 4), 255, np.uint8), 'ground truth.*0 and 1'),
        (np.zeros((4, 4, 3)), np.zeros((4, 4), bool), r'prediction.*\(4, 4, 3\)'),
    ],
)
def test_invalid_input_is_reported(prediction, truth, message):
    with pytest.raises(MetricError, match=message):
        BoundaryMetric(thresholds=3).update(prediction, truth)


def test_at_least_two_thresholds():
    with pytest.raises(MetricError, match=r'thresholds.*\b1\b'):
        BoundaryMetric(thresholds=1)


def test_strict_keeps_what_is_above_a_threshold_without_rounding():
    strength = np.zeros((20, 20))
    strength[5, 3:17], strength[10, 3:17], strength[15, 3:17] = 51 / 255, 0.2004, 0.6
    rounded, strict = (
        thinned_maps(strength, np.array([0.2, 0.6]), strict=strict) for strict in (False, True)
    )
    assert [np.flatnonzero(lines.any(1)).tolist() for lines in rounded] == [[5, 10, 15], [15]]
    assert [np.flatnonzero(lines.any(1)).tolist() for lines in strict] == [[10, 15], []]


def test_without_interpolation_the_best_f_is_at_a_threshold():
    truth = circle(20)
    strength = np.where(truth, 0.9, 0) + np.where(circle(28), 0.3, 0)
    metrics = [BoundaryMetric(thresholds=(0.1, 0.5), interpolate=value) for value in (False, True)]
    for metric in metrics:
        metric.update(strength, truth)
    results = [metric.compute() for metric in metrics]
    assert results[0].ods <= results[1].ods
    assert results[0].ods_threshold in (0.1, 0.5)
    assert 'not interpolated' in results[0].protocol['ods']
