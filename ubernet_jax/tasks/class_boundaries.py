"""Class boundaries: the outlines of objects, with the object's class (paper, section 2.4)."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.example import Example
from ubernet_jax.labels import VOID, ClassLines, ClassMap, LabelKind
from ubernet_jax.labels.taught_classes import ScoredClasses, TaughtClassLines
from ubernet_jax.metrics.boundary_extraction import outline_classes
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.metrics.nms import Nms, suppress
from ubernet_jax.metrics.semantic_boundaries import Mode, SemanticBoundaryMetric, SemanticTruth
from ubernet_jax.tasks.boundaries import BagTask
from ubernet_jax.tasks.fixed_point import FixedPoint, to_fixed_point
from ubernet_jax.tasks.registry import register
from ubernet_jax.tasks.strips import Strip, argmax_and_max, join_strips, start_strips
from ubernet_jax.tasks.task import Size
from ubernet_jax.tasks.views import mean_probability
from ubernet_jax.visualize.drawing import to_bytes
from ubernet_jax.visualize.palette import Colour
from ubernet_jax.visualize.style import DEFAULT_STYLE, Style


@dataclasses.dataclass(slots=True, kw_only=True)
class ClassBoundaryMap:
    """The class boundaries of one image.

    Attributes:
      classes: uint8 (H, W), the most probable boundary class at each pixel, 1..C-1.
      strength: float32 (H, W), the probability of that class, 0..1.
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
    def label(self) -> ClassLines:
        label = super().label
        assert isinstance(label, ClassLines)
        return label

    @property
    def channels(self) -> int:
        return len(self.classes)

    def mean_scores(self, scores: Sequence[jax.Array]) -> jax.Array:
        return mean_probability(scores)

    def finish_strip(self, scores: jax.Array) -> tuple[jax.Array, FixedPoint]:
        # The softmax is only needed for the class with the highest score.
        classes, highest = argmax_and_max(scores[1:])
        shift = jnp.maximum(highest, scores[0])  # keeps the exponentials finite
        # Summed class by class, XLA keeps no array of all exponentials.
        total = sum(jnp.exp(class_scores - shift) for class_scores in scores)
        strength = jnp.exp(highest - shift) / total
        return classes + jnp.uint8(1), to_fixed_point(strength)

    def compose(self, *arrays: np.ndarray) -> ClassBoundaryMap:
        classes, strength = arrays
        return ClassBoundaryMap(classes=classes, strength=strength)

    def finish_for_metrics(
        self, output: jax.Array, size: Size, image_sizes: np.ndarray
    ) -> list[Strip]:
        return start_strips(_class_probabilities, output, size, self.stride, image_sizes)

    def result_for_metrics(
        self, finished: Sequence[tuple[np.ndarray, ...]], size: Size, image_size: Size
    ) -> np.ndarray:
        """Returns the probability of every class except the first, uint8 (C - 1, H, W), 0..255."""
        (probabilities,) = join_strips(finished, image_size)
        return np.moveaxis(probabilities, -1, 0)

    @property
    def taught_label(self) -> TaughtClassLines:
        return TaughtClassLines(classes=tuple(self.classes))

    def teach(
        self, finished: Sequence[tuple[np.ndarray, ...]], size: Size, image_size: Size
    ) -> ScoredClasses:
        """Returns class and probability on lines, thinned as for the evaluation, and 0 beside."""
        result = self.result(finished, size, image_size)
        scores = to_bytes(suppress(result.strength, Nms.SMOOTHED).astype(np.float32))
        return ScoredClasses(classes=np.where(scores > 0, result.classes, 0), scores=scores)

    def to_taught_target(self, label: ScoredClasses) -> np.ndarray:
        certain = np.maximum(label.scores, 255 - label.scores) >= 255 * self.taught_confidence
        classes = np.where(label.scores > 127, label.classes, np.uint8(0))
        return np.where(certain, classes, np.uint8(VOID))

    def arrays(self, name: str, result: ClassBoundaryMap) -> dict[str, np.ndarray]:
        return {name: result.classes, f'{name}_strength': result.strength}

    def metrics(
        self, name: str, thresholds: int, kinds: Mapping[str, LabelKind]
    ) -> dict[str, Metric]:
        """Uses the pre-SEAL protocol, as in the paper, where its requirement is met.

        It requires a label of the benchmark with the regions of the same classes, whose outlines
        are then scored. Without such a label, the task's label is scored by the post-SEAL protocol.
        """
        mode = Mode.PRE_SEAL if self._find_regions(kinds) else Mode.POST_SEAL
        metric = SemanticBoundaryMetric(
            self.classes[1:], mode, thresholds=thresholds, nms=Nms.SMOOTHED
        )
        return {name: metric}

    def truth(self, label: np.ndarray, example: Example) -> SemanticTruth:
        regions_name = self._find_regions({name: example.kinds[name] for name in example.labels})
        if regions_name is not None:
            return outline_classes(example.labels[regions_name], self.channels - 1)
        return SemanticTruth(boundaries=label == np.arange(1, self.channels).reshape(-1, 1, 1))

    def draw(self, result: ClassBoundaryMap, image: np.ndarray, style: Style) -> np.ndarray:
        return self.label.draw(result.classes, image, style, strength=result.strength)

    def legend(self, result: ClassBoundaryMap, style: Style = DEFAULT_STYLE) -> dict[str, Colour]:
        return self.label.legend(result.classes, style, strength=result.strength)

    def describe_point(self, result: ClassBoundaryMap, x: int, y: int, min_score: float) -> str:
        return f'{self.classes[result.classes[y, x]]} {result.strength[y, x]:.2f}'

    def _find_regions(self, kinds: Mapping[str, LabelKind]) -> str | None:
        """Returns the name of a label with the regions of the task's classes, if there is one."""
        regions = ClassMap(classes=tuple(self.classes))
        return next((name for name, kind in kinds.items() if kind.same_as(regions)), None)


def _class_probabilities(scores: jax.Array) -> tuple[jax.Array]:
    """Maps scores (C, h, w) to uint8 (h, w, C - 1), 0..255, without the first class."""
    probability = jax.nn.softmax(scores, axis=0)[1:]
    return (jnp.moveaxis(jnp.rint(255 * probability).astype(jnp.uint8), 0, -1),)
