"""Semantic boundaries: differences of the two modes, and agreement with the boundary metric."""

import numpy as np
import pytest

from ubernet_jax.metrics.boundaries import BoundaryMetric
from ubernet_jax.metrics.metric import MetricError
from ubernet_jax.metrics.semantic_boundaries import (
    Mode,
    SemanticBoundaryMetric,
    SemanticTruth,
)

SIZE = 60  # thinning removes the corners of a square: 4 of its 156 boundary pixels
MODES = (Mode.PRE_SEAL, Mode.POST_SEAL)


def square(low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """Region and inner boundary of a square."""
    region = np.zeros((SIZE, SIZE), bool)
    region[low:high, low:high] = True
    inner = np.zeros_like(region)
    inner[low + 1 : high - 1, low + 1 : high - 1] = True
    return region, region & ~inner


def truth_of(*per_class: tuple[np.ndarray, np.ndarray]) -> SemanticTruth:
    regions, boundaries = zip(*per_class, strict=True)
    return SemanticTruth(boundaries=np.stack(boundaries), regions=np.stack(regions))


ABSENT = (np.zeros((SIZE, SIZE), bool),) * 2
CAT = square(10, 50)


def scores(mode: Mode, images) -> dict[str, dict[str, float]]:
    metric = SemanticBoundaryMetric(['cat', 'dog'], mode, thresholds=9)
    for prediction, truth in images:
        metric.update(prediction, truth)
    return metric.compute().per_class


@pytest.mark.parametrize('mode', MODES)
def test_a_single_class_is_scored_like_boundaries(mode):
    rng = np.random.default_rng(0)
    strength = np.where(CAT[1], rng.random((SIZE, SIZE)), 0)
    strength[0:3] = rng.random((3, SIZE)) * 0.5
    boundary = BoundaryMetric(thresholds=9, max_distance=0.02)
    boundary.update(strength, CAT[1])
    per_class = scores(mode, [(np.stack([strength, 0 * strength]), truth_of(CAT, ABSENT))])
    assert per_class['cat']['ods'] == pytest.approx(boundary.compute().ods)
    assert per_class['cat']['ap'] == pytest.approx(boundary.compute().ap)
    assert np.isnan(per_class['dog']['ods'])


def test_only_pre_seal_ignores_predictions_deep_inside_objects():
    prediction = np.zeros((2, SIZE, SIZE))
    prediction[0, CAT[1]] = 1
    outside = prediction.copy()
    prediction[0, 30, 20:40] = 1  # well inside the cat
    outside[0, 5, 20:40] = 1  # well outside
    for case, expected in ((prediction, (True, False)), (outside, (False, False))):
        perfect = tuple(
            scores(mode, [(case, truth_of(CAT, ABSENT))])['cat']['ods'] > 0.97 for mode in MODES
        )
        assert perfect == expected


def test_pre_seal_keeps_predictions_near_the_boundary():
    """The tolerance, .02 of the diagonal, is 1.7 pixels: a line 1 pixel inside still matches."""
    near = np.zeros((2, SIZE, SIZE))
    near[0, square(11, 49)[1]] = 1
    assert scores(Mode.PRE_SEAL, [(near, truth_of(CAT, ABSENT))])['cat']['ods'] > 0.95


def test_only_pre_seal_skips_images_without_the_class():
    cat = np.zeros((2, SIZE, SIZE))
    cat[0, CAT[1]] = 1
    images = [(cat, truth_of(CAT, ABSENT)), (cat, truth_of(ABSENT, CAT))]
    assert scores(Mode.PRE_SEAL, images)['cat']['ods'] == pytest.approx(1, abs=0.02)
    assert scores(Mode.POST_SEAL, images)['cat']['ods'] == pytest.approx(2 / 3, abs=0.02)
    assert scores(Mode.POST_SEAL, images)['dog']['ods'] == 0


def test_the_result_has_the_mean_over_classes_and_the_mode():
    metric = SemanticBoundaryMetric(['cat', 'dog', 'cow'], Mode.POST_SEAL, thresholds=3)
    prediction = np.zeros((3, SIZE, SIZE))
    prediction[0, CAT[1]] = 1
    metric.update(prediction, truth_of(CAT, square(20, 30), ABSENT))
    document = metric.compute().to_json()
    assert document['ods'] == pytest.approx(0.5, abs=0.01)  # cat 1, dog 0, cow left out
    assert document['per_class']['cow'] == {'ods': None, 'ap': None}
    assert document['protocol']['mode'] == 'post-SEAL'
    assert document['protocol']['max_distance'] == '0.02 of the diagonal'


def test_invalid_input_is_reported():
    metric = SemanticBoundaryMetric(['cat', 'dog'], Mode.PRE_SEAL, thresholds=3)
    good = truth_of(CAT, ABSENT)
    with pytest.raises(MetricError, match='prediction of dog.*0 to 2'):
        wrong = np.zeros((2, SIZE, SIZE))
        wrong[1] = np.eye(SIZE) * 2
        metric.update(wrong, good)
    with pytest.raises(MetricError, match=r'prediction.*\(3, 60, 60\).*C = 2'):
        metric.update(np.zeros((3, SIZE, SIZE)), good)
    with pytest.raises(MetricError, match='pre-SEAL.*`regions`'):
        metric.update(np.zeros((2, SIZE, SIZE)), SemanticTruth(boundaries=good.boundaries))
    with pytest.raises(MetricError, match='boundaries.*uint8.*bool'):
        boundaries = good.boundaries.astype(np.uint8)
        metric.update(np.zeros((2, SIZE, SIZE)), SemanticTruth(boundaries=boundaries))
    metric.update(np.zeros((2, SIZE, SIZE)), truth_of(ABSENT, ABSENT))
    with pytest.raises(MetricError, match='no image.*boundary'):
        metric.compute()
