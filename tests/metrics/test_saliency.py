"""Saliency: brute force over thresholds, pysodmetrics, a small example, invalid input."""

import numpy as np
import pytest

from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.saliency import SaliencyMetric


def random_maps(seed: int, count: int = 6) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    maps = []
    for _ in range(count):
        truth = rng.random((19, 23)) > rng.random()
        noise = rng.random((19, 23))
        prediction = np.clip(255 * (0.3 + 0.4 * truth + 0.5 * (noise - 0.5)), 0, 255)
        maps.append((prediction.astype(np.uint8), truth))
    return maps


def f_measure(precision, recall):
    denominator = 0.3 * precision + recall
    return 0.0 if denominator == 0 else 1.3 * precision * recall / denominator


def brute_force(maps):
    """Computes the scores with plain loops over thresholds and images."""
    pooled, per_image, ious = [], [], []
    for k in range(256):
        scores = []
        for prediction, truth in maps:
            binary = prediction >= k
            hits = (binary & truth).sum()
            scores.append((hits / max(binary.sum(), 1), hits / max(truth.sum(), 1)))
        precision, recall = np.mean(scores, 0)
        pooled.append(f_measure(precision, recall))
        per_image.append(np.mean([f_measure(*score) for score in scores]))
    for threshold in np.linspace(0.2, 0.9, 15):
        binaries = [(prediction / 255 > threshold, truth) for prediction, truth in maps]
        ious.append(np.mean([(b & t).sum() / max((b | t).sum(), 1) for b, t in binaries]))
    return max(pooled), max(per_image), max(ious)


def test_scores_of_a_small_example():
    metric = SaliencyMetric()
    metric.update(np.array([[0.9, 0.8], [0.2, 0.1]]), np.array([[True, False], [True, False]]))
    result = metric.compute()
    assert result.max_f == pytest.approx(1.3 * 0.5 / 0.8)  # at .9: precision 1, recall .5
    assert result.mae == pytest.approx((0.1 + 0.8 + 0.8 + 0.1) / 4)
    assert result.miou_15 == pytest.approx(1 / 2)
    assert result.precision[[0, 128, 255]] == pytest.approx([0.5, 0.5, 0])
    assert result.recall[[0, 128, 255]] == pytest.approx([1, 0.5, 0])


@pytest.mark.parametrize('dtype', [np.uint8, np.float32, np.float64])
def test_agrees_with_brute_force_in_every_dtype(dtype):
    maps = random_maps(1)
    metric = SaliencyMetric()
    for prediction, truth in maps:
        scale = dtype(1 if dtype is np.uint8 else 255)
        values = prediction if dtype is np.uint8 else prediction.astype(dtype) / scale
        metric.update(values, truth)
    result = metric.compute()
    expected = brute_force(maps)
    assert (result.max_f, result.max_f_per_image, result.miou_15) == pytest.approx(expected)


def test_agrees_with_pysodmetrics():
    sod = pytest.importorskip('py_sod_metrics')
    f_measure, mae = sod.Fmeasure(beta=0.3), sod.MAE()
    metric = SaliencyMetric(normalise=True)
    for prediction, truth in random_maps(2):
        # It truncates maps to 8 bits after stretching them, so stretching must not change them.
        prediction[0, 0], prediction[-1, -1] = 0, 255
        f_measure.step(pred=prediction, gt=truth * np.uint8(255))
        mae.step(pred=prediction, gt=truth * np.uint8(255))
        metric.update(prediction, truth)
    result = metric.compute()
    peer = f_measure.get_results()
    assert result.max_f_per_image == pytest.approx(peer['fm']['curve'].max(), abs=1e-9)
    assert result.precision[::-1] == pytest.approx(peer['pr']['p'], abs=1e-9)
    assert result.recall[::-1] == pytest.approx(peer['pr']['r'], abs=1e-9)
    assert result.mae == pytest.approx(mae.get_results()['mae'], abs=1e-9)


def test_normalise_stretches_maps_to_the_unit_interval():
    truth = np.array([[True, False, False]])
    stretched, plain = SaliencyMetric(normalise=True), SaliencyMetric()
    stretched.update(np.array([[0.6, 0.5, 0.4]]), truth)
    plain.update(np.array([[1.0, 0.5, 0.0]]), truth)
    assert stretched.compute().mae == pytest.approx(plain.compute().mae)
    assert stretched.compute().protocol['normalise'] != plain.compute().protocol['normalise']
    stretched.update(np.zeros((1, 3)), truth)  # a constant map stays as it is
    assert stretched.compute().mae == pytest.approx((0.5 / 3 + 1 / 3) / 2)


def test_soft_ground_truth_is_salient_above_half_of_the_range():
    metric = SaliencyMetric()
    metric.update(np.array([[1.0, 0.0]]), np.array([[128, 127]], np.uint8))
    assert metric.compute().max_f == 1


def test_image_without_salient_pixel_counts_as_zero():
    metric = SaliencyMetric()
    metric.update(np.zeros((2, 2)), np.zeros((2, 2), bool))
    result = metric.compute()
    assert (result.max_f, result.mae, result.miou_15) == (0, 0, 1)


@pytest.mark.parametrize(
    ('prediction', 'truth', 'message'),
    [
        (np.full((2, 2), 1.5), np.ones((2, 2), bool), r'prediction.*1\.5'),
        (np.full((2, 2), np.nan), np.ones((2, 2), bool), 'prediction.*nan'),
        (np.ones((2, 2)), np.full((2, 2), -1.0), 'ground truth.*-1'),
        (np.ones((2, 3)), np.ones((3, 2), bool), r'\(2, 3\).*ground truth.*\(3, 2\)'),
        (np.ones((2, 2), int), np.ones((2, 2), bool), 'prediction.*int64'),
        (np.ones((2, 2, 3)), np.ones((2, 2), bool), r'prediction.*\(2, 2, 3\)'),
        (np.ones((0, 0)), np.ones((0, 0), bool), r'prediction.*\(0, 0\)'),
    ],
)
def test_invalid_input_is_reported(prediction, truth, message):
    with pytest.raises(MetricError, match=message):
        SaliencyMetric().update(prediction, truth)


def test_bytes_of_0_and_1_are_refused_for_the_whole_set_only():
    dark, mask = np.ones((1, 2), np.uint8), np.array([[0, 255]], np.uint8)
    metric = SaliencyMetric()
    metric.update(np.ones((1, 2)), dark)
    with pytest.raises(MetricError, match='ground truth.*uint8.*1'):
        metric.compute()
    metric.update(np.ones((1, 2)), mask)  # a single mask may be almost black
    assert metric.compute().images == 2
    metric = SaliencyMetric()
    metric.update(np.ones((1, 2)), dark)
    metric.update(np.ones((1, 2)), mask.astype(bool))
    assert metric.compute().images == 2
