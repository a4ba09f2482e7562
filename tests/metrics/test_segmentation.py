"""mIoU: a small example, scikit-learn, invalid input."""

import json

import numpy as np
import pytest

from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.segmentation import SegmentationMetric


def test_small_example_with_void_and_an_absent_class():
    metric = SegmentationMetric(4, ['background', 'cat', 'dog', 'horse'])
    metric.update(np.array([[0, 1, 1, 2]]), np.array([[0, 1, 0, 255]]))
    metric.update(np.array([[2, 2]]), np.array([[2, 0]]))
    result = metric.compute()
    assert result.per_class['background'] == pytest.approx(1 / 3)
    assert result.per_class['cat'] == pytest.approx(1 / 2)
    assert result.per_class['dog'] == pytest.approx(1 / 2)
    assert np.isnan(result.per_class['horse'])
    assert result.miou == pytest.approx(4 / 9)  # horse occurs nowhere and is left out
    assert result.confusion.tolist() == [[1, 1, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert result.images == 2


def test_json_has_plain_types_and_null_for_absent_classes():
    metric = SegmentationMetric(2)
    metric.update(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8))
    document = json.loads(json.dumps(metric.compute().to_json(), allow_nan=False))
    assert document['miou'] == 1.0
    assert document['per_class'] == {'0': 1.0, '1': None}
    assert document['images'] == 1
    assert 'absent_classes' in document['protocol']


def test_agrees_with_scikit_learn():
    sklearn_metrics = pytest.importorskip('sklearn.metrics')
    rng = np.random.default_rng(0)
    metric = SegmentationMetric(7)
    truths, predictions = rng.integers(0, 7, (2, 5, 40, 30))
    truths[:, :3] = 255
    for prediction, truth in zip(predictions, truths, strict=True):
        metric.update(prediction, truth)
    kept = truths != 255
    expected = sklearn_metrics.jaccard_score(truths[kept], predictions[kept], average=None)
    assert list(metric.compute().per_class.values()) == pytest.approx(expected)
    assert metric.compute().miou == pytest.approx(expected.mean())


def test_perfect_prediction_scores_one_even_with_void_predicted():
    metric = SegmentationMetric(3)
    truth = np.array([[0, 1, 2, 255]], np.uint8)
    metric.update(truth, truth)
    assert metric.compute().miou == 1


@pytest.mark.parametrize(
    ('prediction', 'truth', 'message'),
    [
        ([[3]], [[0]], 'prediction.*class index 3.*0 to 2$'),
        ([[255]], [[0]], 'prediction.*class index 255'),
        ([[0]], [[-1]], 'ground truth.*class index -1.*0 to 2.*255'),
        ([[0, 1]], [[0], [1]], r'\(1, 2\).*ground truth.*\(2, 1\)'),
        ([[0.5]], [[0]], 'prediction.*float64'),
        ([0], [[0]], r'prediction.*\(1,\)'),
    ],
)
def test_invalid_input_is_reported(prediction, truth, message):
    with pytest.raises(MetricError, match=message):
        SegmentationMetric(3).update(np.array(prediction), np.array(truth))


def test_settings_are_checked():
    with pytest.raises(MetricError, match='num_classes.*0.*1 to 255'):
        SegmentationMetric(0)
    with pytest.raises(MetricError, match='class_names.*1.*2'):
        SegmentationMetric(2, ['cat'])
    with pytest.raises(MetricError, match='no image'):
        SegmentationMetric(2).compute()
