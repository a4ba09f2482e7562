"""Normals: known angles, brute force over pixels, invalid input."""

import math

import numpy as np
import pytest

from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.normals import NormalsMetric


def tilted(degrees: list[float]) -> np.ndarray:
    """Returns a row of unit vectors at these angles to (0, 0, 1): float64 (1, N, 3)."""
    angle = np.radians(degrees)
    return np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], -1)[None]


def random_normals(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    vectors = rng.normal(size=(*shape, 3))
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_angles_are_pooled_over_images():
    metric = NormalsMetric()
    for degrees in ([10.0], [20.0, 25.0, 45.0]):  # the mean of the means of the images would be 20
        metric.update(tilted(degrees), tilted([0.0] * len(degrees)))
    result = metric.compute()
    assert result.mean == pytest.approx(25)
    assert result.median == pytest.approx(22.5)
    assert result.rmse == pytest.approx(math.sqrt((100 + 400 + 625 + 2025) / 4))
    assert result.below_11_25 == 25
    assert result.below_22_5 == 50
    assert result.below_30 == 75
    assert (result.images, result.pixels) == (2, 4)
    assert result.histogram.sum() == 4


def test_agrees_with_brute_force():
    rng = np.random.default_rng(0)
    prediction, truth = random_normals(rng, (9, 11)), random_normals(rng, (9, 11))
    truth[2:4] = 0
    metric = NormalsMetric()
    metric.update((prediction * 0.7).astype(np.float32), truth.astype(np.float32))
    angles = [
        math.degrees(math.acos(max(-1.0, min(1.0, math.fsum(prediction[i, j] * truth[i, j])))))
        for i in range(9)
        for j in range(11)
        if i not in (2, 3)
    ]
    result = metric.compute()
    assert result.pixels == 7 * 11
    assert result.mean == pytest.approx(math.fsum(angles) / 77, rel=1e-5)
    assert result.median == pytest.approx(sorted(angles)[38], rel=1e-5)
    assert result.rmse == pytest.approx(math.sqrt(math.fsum(a * a for a in angles) / 77), rel=1e-5)
    assert result.below_30 == pytest.approx(100 * sum(a < 30 for a in angles) / 77)


def test_a_horizontal_flip_negates_x():
    rng = np.random.default_rng(1)
    prediction, truth = random_normals(rng, (4, 5)), random_normals(rng, (4, 5))
    plain, flipped, wrong = NormalsMetric(), NormalsMetric(), NormalsMetric()
    plain.update(prediction, truth)
    flipped.update(prediction[:, ::-1] * [-1, 1, 1], truth[:, ::-1] * [-1, 1, 1])
    wrong.update(prediction[:, ::-1], truth[:, ::-1] * [-1, 1, 1])
    assert flipped.compute().mean == pytest.approx(plain.compute().mean)
    assert wrong.compute().mean != pytest.approx(plain.compute().mean, rel=1e-3)


def test_the_error_of_a_predicted_zero_vector_is_90_degrees():
    metric = NormalsMetric()
    metric.update(np.zeros((1, 1, 3)), tilted([30.0]))
    assert metric.compute().mean == 90


@pytest.mark.parametrize(
    ('prediction', 'truth', 'message'),
    [
        (
            np.zeros((1, 2, 3)),
            np.zeros((2, 1, 3)),
            r'\(1, 2, 3\).*ground truth.*\(2, 1, 3\)',
        ),
        (np.full((1, 1, 3), 127.0), np.zeros((1, 1, 3)), 'prediction.*127'),
        (np.full((1, 1, 3), np.nan), np.zeros((1, 1, 3)), 'prediction.*nan'),
        (np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1, 3)), 'prediction.*uint8'),
        (np.zeros((1, 1)), np.zeros((1, 1)), r'prediction.*\(1, 1\)'),
    ],
)
def test_invalid_input_is_reported(prediction, truth, message):
    with pytest.raises(MetricError, match=message):
        NormalsMetric().update(prediction, truth)


def test_a_dataset_without_labelled_pixels_is_an_error():
    metric = NormalsMetric()
    metric.update(tilted([0.0]), np.zeros((1, 1, 3)))
    with pytest.raises(MetricError, match='ground truth.*normal'):
        metric.compute()


@pytest.mark.parametrize('largest', [1, 255])
@pytest.mark.parametrize('wrong', ['prediction', 'ground truth'])
def test_the_values_of_pictures_are_refused(largest, wrong):
    vectors = np.abs(random_normals(np.random.default_rng(2), (8, 9))) * [1, -1, 1]
    vectors[0] = 0  # the middle grey, which means unknown
    pair = {'prediction': vectors, 'ground truth': vectors}
    NormalsMetric().update(*pair.values())
    pair[wrong] = (vectors + 1) / 2 * largest
    conversion = {1: r'2 \* values - 1', 255: r'values / 127\.5 - 1'}[largest]
    with pytest.raises(MetricError, match=f'{wrong}.*{conversion}'):
        NormalsMetric().update(*pair.values())


@pytest.mark.parametrize('length', [1, 0.7])
def test_vectors_without_a_negative_component_are_valid(length):
    vectors = np.abs(random_normals(np.random.default_rng(3), (8, 9)))
    metric = NormalsMetric()
    metric.update(length * vectors, vectors)
    assert metric.compute().mean == pytest.approx(0, abs=1e-3)
