"""Which metric scores which task, and how predictions and labels are handed to it."""

import numpy as np

from ubernet_jax.metrics import boxes
from ubernet_jax.metrics.boundaries import BoundaryMetric
from ubernet_jax.metrics.detection import ApMode, DetectionMetric
from ubernet_jax.metrics.metric import Metric, Result
from ubernet_jax.metrics.normals import NormalsMetric
from ubernet_jax.metrics.proposals import ProposalMetric, ProposalResult
from ubernet_jax.metrics.saliency import SaliencyMetric
from ubernet_jax.metrics.segmentation import SegmentationMetric
from ubernet_jax.metrics.semantic_boundaries import (
    Mode,
    SemanticBoundaryMetric,
    SemanticTruth,
)
from ubernet_jax.metrics.thinning import Nms
from ubernet_jax.structs import Example
from ubernet_jax.tasks import LabelKind, LossKind, Task

# The scores that tables and learning curves show.
HEADLINES = (
    'miou', 'max_f', 'mae', 'mean', 'median', 'below_11_25', 'below_22_5', 'below_30', 'ods',
    'ois', 'ap', 'map',
)  # fmt: skip

PROPOSALS = 'proposals'  # the result that scores the detector's first stage


def make_metrics(task: Task, thresholds: int, regions: bool = True) -> dict[str, Metric]:
    """Name of a result -> evaluator, for a task's kind of label.

    Args:
      task: of the network.
      thresholds: at how many boundary maps are scored.
      regions: whether images labelled for semantic boundaries also have the regions of the classes,
        which the older of its two protocols needs, the one of the paper's time.
    """
    match task.label, task.loss:
        case LabelKind.CLASSES, LossKind.CROSS_ENTROPY:
            metric = SegmentationMetric(task.channels, task.classes)
        case LabelKind.SHARE, LossKind.CROSS_ENTROPY:
            metric = SaliencyMetric()
        case LabelKind.SHARE, LossKind.MULTIPLE_INSTANCE:
            metric = BoundaryMetric(thresholds=thresholds, nms=Nms.SMOOTHED)
        case LabelKind.CLASSES, LossKind.MULTIPLE_INSTANCE:
            mode = Mode.PRE_SEAL if regions else Mode.POST_SEAL
            metric = SemanticBoundaryMetric(
                task.classes[1:], mode, thresholds=thresholds, nms=Nms.SMOOTHED
            )
        case LabelKind.DIRECTION, _:
            metric = NormalsMetric()
        case LabelKind.BOXES, _:
            return {
                'detection_voc07': DetectionMetric(task.classes[1:], ApMode.VOC07),
                'detection_voc10': DetectionMetric(task.classes[1:], ApMode.VOC10),
                PROPOSALS: ProposalMetric(),
            }
    return {task.name: metric}


def predicted(result: str, prediction: np.ndarray | tuple) -> np.ndarray | boxes.Detections:
    """What the evaluator of a result takes of `Predictor.measurable`."""
    if not isinstance(prediction, tuple):
        return prediction
    detections, proposals = prediction
    found = proposals if result == PROPOSALS else detections
    return boxes.Detections(
        boxes=found.corners, scores=found.scores, classes=found.classes.astype(int) - 1
    )


def ground_truth(task: Task, example: Example) -> np.ndarray | SemanticTruth | boxes.Objects:
    """What a metric compares with: the label; of boundaries those of each annotator or class."""
    label = example.labels[task.name]
    if task.label is LabelKind.BOXES:
        return boxes.Objects(
            boxes=label.corners,
            classes=label.classes.astype(int) - 1,
            difficult=label.difficult,
        )
    if not task.thin:
        return label
    if task.label is LabelKind.SHARE:
        return label > 127 if example.annotators is None else example.annotators
    classes = np.arange(1, task.channels).reshape(-1, 1, 1)
    segmentation = example.labels.get('segmentation')
    return SemanticTruth(
        boundaries=label == classes,
        regions=None if segmentation is None else segmentation == classes,
    )


def headline(result: Result) -> dict[str, float]:
    """The few scores of a result that a table shows."""
    if isinstance(result, ProposalResult):
        return {f'recall_{limit}': recall for limit, recall in result.recall.items()}
    return {score: getattr(result, score) for score in HEADLINES if hasattr(result, score)}
