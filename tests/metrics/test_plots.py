"""Plots of results: every type of result has a plot that shows its scores."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from ubernet_jax.metrics.boundaries import BoundaryMetric
from ubernet_jax.metrics.boundary_extraction import outline_classes
from ubernet_jax.metrics.boxes import Objects, ScoredBoxes
from ubernet_jax.metrics.detection import ApMode, DetectionMetric
from ubernet_jax.metrics.metric import Metric, MetricResult
from ubernet_jax.metrics.normals import NormalsMetric
from ubernet_jax.metrics.plots import plot
from ubernet_jax.metrics.proposals import ProposalMetric
from ubernet_jax.metrics.saliency import SaliencyMetric
from ubernet_jax.metrics.segmentation import SegmentationMetric
from ubernet_jax.metrics.semantic_boundaries import Mode, SemanticBoundaryMetric

MASK = np.zeros((40, 40), np.uint8)
MASK[10:30, 10:30] = 1
TRUTH = outline_classes(MASK, 2)
BOXES = np.array([[0.0, 0, 10, 10]])
OBJECTS = Objects(boxes=BOXES, classes=np.zeros(1, int), difficult=np.zeros(1, bool))
DETECTIONS = ScoredBoxes(boxes=BOXES, scores=np.ones(1), classes=np.zeros(1, int))
NORMALS = np.zeros((4, 4, 3))
NORMALS[..., 2] = 1


def scored(metric: Metric, prediction, ground_truth) -> MetricResult:
    metric.update(prediction, ground_truth)
    return metric.compute()


@pytest.mark.parametrize(
    ('result', 'shown'),
    [
        (
            scored(BoundaryMetric(thresholds=5), TRUTH.boundaries[0] * 0.5, TRUTH.boundaries[0]),
            ['ODS 1.000', 'OIS 1.000', 'AP 0.505'],
        ),
        (
            scored(
                SemanticBoundaryMetric(['cat', 'dog'], Mode.PRE_SEAL, thresholds=3),
                TRUTH.boundaries * 0.9,
                TRUTH,
            ),
            ['mean 1.000', 'cat', 'absent', 'pre-SEAL'],
        ),
        (
            scored(DetectionMetric(['cat', 'dog'], ApMode.VOC10), DETECTIONS, OBJECTS),
            ['mean 1.000', 'VOC10', 'dog', 'absent'],
        ),
        (scored(ProposalMetric(), DETECTIONS, OBJECTS), ['average recall', '1 objects']),
        (scored(SegmentationMetric(3), MASK, MASK), ['mean 1.000', 'absent', 'predicted']),
        (scored(SaliencyMetric(), MASK * np.uint8(255), MASK > 0), ['max F 1.000', 'MAE 0.000']),
        (scored(NormalsMetric(), NORMALS, NORMALS), ['median 0.0°', 'RMSE 0.0°', '1 images']),
    ],
)
def test_plots_show_the_scores(result, shown, tmp_path, monkeypatch):
    texts, save = [], Figure.savefig

    def save_and_collect_texts(figure, path):
        save(figure, path)
        texts.extend(text.get_text() for text in figure.findobj(Text))

    monkeypatch.setattr(Figure, 'savefig', save_and_collect_texts)
    plot(result, tmp_path / 'plot.png')
    for expected in shown:
        assert any(expected in text for text in texts)
    with Image.open(tmp_path / 'plot.png') as picture:
        assert np.asarray(picture.convert('L')).std() > 5


def test_results_without_a_plot_are_an_error(tmp_path):
    with pytest.raises(TypeError, match='MetricResult'):
        plot(MetricResult(protocol={}, images=1), tmp_path / 'plot.png')
