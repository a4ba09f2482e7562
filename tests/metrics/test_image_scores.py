"""Scores of single images: each evaluator on two images computed by hand, and their JSON."""

import json
import math

import numpy as np
import pytest

from ubernet_jax.metrics.boundaries import BoundaryMetric
from ubernet_jax.metrics.boxes import Objects, ScoredBoxes
from ubernet_jax.metrics.depth import DepthMetric
from ubernet_jax.metrics.detection import ApMode, DetectionMetric
from ubernet_jax.metrics.image_scores import ImageScores
from ubernet_jax.metrics.metric import Metric, MetricError, Score
from ubernet_jax.metrics.normals import NormalsMetric
from ubernet_jax.metrics.proposals import ProposalMetric
from ubernet_jax.metrics.saliency import FDefinition, SaliencyMetric
from ubernet_jax.metrics.segmentation import SegmentationMetric
from ubernet_jax.metrics.semantic_boundaries import Mode, SemanticBoundaryMetric, SemanticTruth

RMSE = Score(name='rmse', label='RMSE', unit='m', lower_is_better=True, main=True)


def image_scores(metric: Metric, *pairs) -> tuple[Score, list[float]]:
    """The score of each image, and its description; checks that `compute` works too."""
    for prediction, truth in pairs:
        metric.update(prediction, truth)
    scores = metric.image_scores()
    assert scores is not None and metric.compute().images == len(pairs)
    return scores[0], scores[1].tolist()


def tilted(*degrees: float) -> np.ndarray:
    """A row of unit vectors at these angles to (0, 0, 1): float64 (1, N, 3)."""
    angle = np.radians(degrees)
    return np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], -1)[None]


def test_normals_have_a_mean_angle():
    score, values = image_scores(
        NormalsMetric(),
        (tilted(10), tilted(0)),
        (tilted(20, 40), tilted(0, 0)),
        (tilted(20), np.zeros((1, 1, 3))),  # no labelled pixel
    )
    assert (score.name, score.unit, score.lower_is_better) == ('mean', '°', True)
    assert values == pytest.approx([10, 30, np.nan], nan_ok=True)


def test_depths_have_an_rmse():
    score, values = image_scores(
        DepthMetric(),
        (np.array([[1.0, 5.0]]), np.array([[4.0, 1.0]])),
        (np.array([[2.0, 2.0]]), np.array([[2.0, 0.0]])),
        (np.array([[2.0]]), np.array([[0.0]])),  # no known depth
    )
    assert score == RMSE
    assert values == pytest.approx([math.sqrt((9 + 16) / 2), 0, np.nan], nan_ok=True)


def test_class_maps_have_the_mean_iou_of_the_classes_in_the_image():
    score, values = image_scores(
        SegmentationMetric(4),
        (np.array([[0, 1, 1, 2]]), np.array([[0, 1, 0, 255]])),  # 1/2 and 1/2
        (np.array([[2, 2, 2]]), np.array([[2, 2, 0]])),  # 2/3 and 0
        (np.array([[1]]), np.array([[255]])),  # no labelled pixel
    )
    assert (score.name, score.lower_is_better) == ('miou', False)
    assert values == pytest.approx([1 / 2, 1 / 3, np.nan], nan_ok=True)


@pytest.mark.parametrize('pool_pixels', [False, True])
def test_soft_masks_have_f_at_the_threshold_of_the_dataset(pool_pixels):
    definition = FDefinition(thresholds=(0.3, 0.6), pool_pixels=pool_pixels)
    first = np.array([[0.9, 0.8, 0.7, 0.1]]), np.array([[1, 1, 1, 0]], bool)
    second = np.array([[0.9, 0.4]]), np.array([[1, 0]], bool)
    third = np.array([[0.5, 0.4]]), np.array([[1, 0]], bool)  # F is 0 at .6, which is best for all
    metric = SaliencyMetric(definition=definition)
    score, values = image_scores(metric, first, second, second, second, third)
    assert (score.name, score.lower_is_better) == ('f', False)
    assert values == pytest.approx([1, 1, 1, 1, 0])


LINE = np.zeros((20, 30), bool)
LINE[10, 5:25] = True
HALF = np.zeros((20, 30), bool)
HALF[10, 5:15] = True


def test_boundaries_have_f_at_the_threshold_of_the_dataset():
    metric = BoundaryMetric(thresholds=3, max_distance=0.02)  # .25, .5, .75
    wrong = np.roll(LINE, 5, axis=0)
    score, values = image_scores(
        metric,
        (0.9 * LINE + 0.3 * wrong, LINE),
        (0.6 * LINE + 0.3 * HALF + 0.3 * wrong, LINE),  # recall 1/2 at .75
        (0.3 * LINE, LINE),  # nothing at .5, which is best for all images
    )
    assert (score.name, score.lower_is_better) == ('f', False)
    assert values == pytest.approx([1, 1, 0])


@pytest.mark.parametrize('mode', Mode)
def test_semantic_boundaries_have_f_of_all_classes_together(mode):
    truth = SemanticTruth(boundaries=np.stack([LINE, LINE]), regions=np.stack([LINE, LINE]))
    prediction = np.stack([0.9 * LINE, 0 * LINE])
    metric = SemanticBoundaryMetric(['cat', 'dog'], mode, thresholds=3)
    _, values = image_scores(metric, (prediction, truth), (truth.boundaries * 0.9, truth))
    assert values == pytest.approx([2 / 3, 1])  # recall 1/2, precision 1


def test_boxes_have_no_score_of_a_single_image():
    boxes = np.array([[0.0, 0, 5, 5]])
    detected = ScoredBoxes(boxes=boxes, scores=np.ones(1), classes=np.zeros(1, int))
    objects = Objects(boxes=boxes, classes=np.zeros(1, int), difficult=np.zeros(1, bool))
    for metric in (DetectionMetric(['car'], ApMode.VOC07), ProposalMetric()):
        metric.update(detected, objects)
        assert metric.image_scores() is None


def test_json_keeps_what_is_defined():
    scores = ImageScores.of(RMSE, ['a', 'b', 'c'], np.array([0.1234567, np.nan, 2]))
    assert scores.values == {'a': 0.12346, 'c': 2}
    plain = json.loads(json.dumps(scores.to_json()))
    assert ImageScores.from_json(plain, 'file') == scores


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'values': {}}, "file.*'values'"),
        ({'values': [1]}, "file.*'values'"),
        ({'values': {'a': 1, 'b': None}}, "file.*'b'.*null"),
        ({'values': {'a': math.nan}}, "file.*'a'.*NaN"),
        ({'values': {'a': True}}, "file.*'a'.*true"),
        ({'score': {'name': 'rmse'}}, 'file.*name, label and unit'),
    ],
)
def test_json_of_another_form_is_refused(change, message):
    plain = ImageScores(score=RMSE, values={'a': 1.0}).to_json() | change
    with pytest.raises(MetricError, match=message):
        ImageScores.from_json(plain, 'file')
    with pytest.raises(MetricError, match='file'):
        ImageScores.from_json([plain], 'file')
