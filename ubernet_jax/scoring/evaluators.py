"""The evaluator of each task of `ubernet score`."""

from collections.abc import Mapping
from typing import Any

from ubernet_jax.metrics.boundaries import BoundaryMetric
from ubernet_jax.metrics.depth import DepthMetric
from ubernet_jax.metrics.detection import DetectionMetric
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.metrics.normals import NormalsMetric
from ubernet_jax.metrics.proposals import ProposalMetric
from ubernet_jax.metrics.saliency import SaliencyMetric
from ubernet_jax.metrics.segmentation import SegmentationMetric
from ubernet_jax.metrics.semantic_boundaries import SemanticBoundaryMetric


def make_metric(task: str, classes: tuple[str, ...], settings: Mapping[str, Any]) -> Metric:
    """Returns a new evaluator.

    Args:
      task: as in the command line.
      classes: names of the classes; empty for tasks without.
      settings: parameters of the evaluator.

    Raises:
      MetricError: a setting is not allowed.
      ValueError: there is no such task.
    """
    match task:
        case 'boundaries':
            return BoundaryMetric(**settings)
        case 'semantic-boundaries':
            return SemanticBoundaryMetric(classes, **settings)
        case 'detection':
            return DetectionMetric(classes, **settings)
        case 'proposals':
            return ProposalMetric(**settings)
        case 'segmentation' | 'parts':
            return SegmentationMetric(len(classes), classes, **settings)
        case 'saliency':
            return SaliencyMetric(**settings)
        case 'normals':
            return NormalsMetric(**settings)
        case 'depth':
            return DepthMetric(**settings)
    raise ValueError(f'there is no metric for the task {task!r}')
