"""Boundaries of classes: where an object ends, and of what class it is (paper, section 2.4)."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import scipy.special

from ubernet_jax.example import Example
from ubernet_jax.labels import ClassLines, ClassMap, LabelKind
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.metrics.semantic_boundaries import Mode, SemanticBoundaryMetric, SemanticTruth
from ubernet_jax.metrics.thinning import Nms
from ubernet_jax.tasks.boundaries import BagTask
from ubernet_jax.tasks.strips import finish_in_strips, likeliest
from ubernet_jax.tasks.task import Size, register
from ubernet_jax.visualize.palette import Colour
from ubernet_jax.visualize.style import Style


@dataclasses.dataclass(slots=True, kw_only=True)
class ClassBoundaryMap:
    """The boundaries of classes in one image.

    Attributes:
      classes: uint8 (H, W), the likeliest class of boundary at each pixel, 1..C-1.
      strength: float32 (H, W), that class's probability, 0..1.
    """

    classes: np.ndarray
    strength: np.ndarray


@register
@dataclasses.dataclass(kw_only=True)
class ClassBoundaries(BagTask):
    """Softmax over the classes; the result is a `ClassBoundaryMap`."""

    kind: ClassVar[str] = 'class_boundaries'
    label_kind: ClassVar[type[LabelKind]] = ClassLines
    meaning: ClassVar[str] = (
        'scores of no boundary and of the classes; softmax over the last axis gives probabilities'
    )

    suffixes: ClassVar[tuple[str, ...]] = ('strength',)

    @property
    def channels(self) -> int:
        return len(self.classes)

    def finish_strip(self, scores: np.ndarray) -> tuple[np.ndarray, ...]:
        # The softmax of the likeliest class alone: the others' are not needed.
        classes, score = likeliest(scores[:, 1:])
        top = np.maximum(score, scores[:, 0])
        strength = np.exp(score - top) / np.exp(scores - top[:, None]).sum(1)
        return classes + np.uint8(1), strength

    def compose(self, *arrays: np.ndarray) -> ClassBoundaryMap:
        classes, strength = arrays
        return ClassBoundaryMap(classes=classes, strength=strength)

    def finish_for_metrics(self, output: np.ndarray, size: Size, image_size: Size) -> np.ndarray:
        """The probability of every class but the first, in 255ths: uint8 (C - 1, H, W)."""
        (strips,) = finish_in_strips(_every_class, output, image_size)
        return np.moveaxis(strips, 1, 0)

    def arrays(self, name: str, result: ClassBoundaryMap) -> dict[str, np.ndarray]:
        return {name: result.classes, f'{name}_strength': result.strength}

    def metrics(
        self, name: str, thresholds: int, kinds: Mapping[str, LabelKind]
    ) -> dict[str, Metric]:
        """By the older of the two protocols, the one of the paper's time, if the regions of the
        classes, which it needs, are among the benchmark's labels.
        """
        mode = Mode.PRE_SEAL if self._find_regions(kinds) else Mode.POST_SEAL
        own = SemanticBoundaryMetric(
            self.classes[1:], mode, thresholds=thresholds, nms=Nms.SMOOTHED
        )
        return {name: own}

    def truth(self, label: np.ndarray, example: Example) -> SemanticTruth:
        classes = np.arange(1, self.channels).reshape(-1, 1, 1)
        own = {name: example.kinds[name] for name in example.labels}
        regions = example.labels.get(self._find_regions(own))
        return SemanticTruth(
            boundaries=label == classes,
            regions=None if regions is None else regions == classes,
        )

    def draw(self, result: ClassBoundaryMap, image: np.ndarray, style: Style) -> np.ndarray:
        return self.label.draw(result.classes, image, style, strength=result.strength)

    def legend(self, result: ClassBoundaryMap) -> dict[str, Colour]:
        return self.label.legend(result.classes, strength=result.strength)

    def describe_point(self, result: ClassBoundaryMap, x: int, y: int, least: float) -> str:
        return f'{self.classes[result.classes[y, x]]} {result.strength[y, x]:.2f}'

    def _find_regions(self, kinds: Mapping[str, LabelKind]) -> str | None:
        """The name of a dataset's label that has the regions of these classes."""
        regions = ClassMap(classes=tuple(self.classes))
        return next((name for name, kind in kinds.items() if kind.same_as(regions)), None)


def _every_class(scores: np.ndarray) -> tuple[np.ndarray]:
    """Of scores (h, C, w) every class but the first: uint8 (h, C - 1, w), in 255ths."""
    probability = scipy.special.softmax(scores, axis=1)[:, 1:]
    return (np.rint(255 * probability).astype(np.uint8),)
