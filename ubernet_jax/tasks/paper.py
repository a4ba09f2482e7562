"""The seven tasks of the paper (arXiv 1609.02132, section 2), by their names in this package."""

import functools
from collections.abc import Callable, Mapping

from ubernet_jax.labels.standard import PERSON_PARTS, VOC_CLASSES
from ubernet_jax.tasks.boundaries import Boundaries
from ubernet_jax.tasks.class_boundaries import ClassBoundaries
from ubernet_jax.tasks.detection import Detection
from ubernet_jax.tasks.normals import Normals
from ubernet_jax.tasks.segmentation import Segmentation
from ubernet_jax.tasks.soft_mask import SoftMask
from ubernet_jax.tasks.task import Task

# Each value creates a new task and takes settings as keywords: PAPER['parts'](weight=2.0).
PAPER: Mapping[str, Callable[..., Task]] = {
    'boundaries': Boundaries,
    'normals': Normals,
    'saliency': SoftMask,
    'segmentation': functools.partial(Segmentation, classes=VOC_CLASSES),
    'parts': functools.partial(Segmentation, classes=PERSON_PARTS),
    'semantic_boundaries': functools.partial(ClassBoundaries, classes=VOC_CLASSES),
    'detection': functools.partial(Detection, classes=VOC_CLASSES),
}
