"""Segmentation: the class of every pixel, for classes of objects or parts (paper, section 2.4)."""

import dataclasses
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.errors import require_setting
from ubernet_jax.labels import VOID, ClassMap, LabelKind
from ubernet_jax.labels.class_palette import choose_palette
from ubernet_jax.labels.taught_classes import ScoredClasses, TaughtClassMap
from ubernet_jax.losses.dense import cross_entropy
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.metrics.segmentation import SegmentationMetric
from ubernet_jax.tasks.dense import DenseTask
from ubernet_jax.tasks.registry import register
from ubernet_jax.tasks.strips import Strip, argmax_and_max, join_strips, start_strips
from ubernet_jax.tasks.task import Size
from ubernet_jax.tasks.views import mean_probability
from ubernet_jax.tasks.voc_results import segmentation_results
from ubernet_jax.visualize.index_mask import write_index_mask
from ubernet_jax.visualize.style import DEFAULT_STYLE


@register
@dataclasses.dataclass(kw_only=True)
class Segmentation(DenseTask):
    """Softmax over the classes; the result is uint8 (H, W), class index.

    Attributes:
      background_weight: factor on the loss of the pixels of the first class, above 0. Below 1, rare
        classes are predicted more often, where the first class covers most of the images.
    """

    kind: ClassVar[str] = 'segmentation'
    label_kind: ClassVar[type[LabelKind]] = ClassMap
    meaning: ClassVar[str] = 'scores of the classes; softmax over the last axis gives probabilities'
    scored_as: ClassVar[tuple[str, ...]] = ('segmentation', 'parts')
    voc_list: ClassVar[str] = 'Segmentation'

    stride: int = 8
    background_weight: float = 1.0

    @property
    def channels(self) -> int:
        return len(self.classes)

    def pixel_loss(
        self, scores: jax.Array, target: jax.Array, valid: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        loss, counted = cross_entropy(scores, target)
        return jnp.where(target == 0, self.background_weight * loss, loss), counted

    def validate(self, where: str) -> None:
        super().validate(where)
        name, weight = f'{where}.background_weight', self.background_weight
        require_setting(0 < weight < math.inf, name, weight, 'a finite number above 0')

    def mean_scores(self, scores: Sequence[jax.Array]) -> jax.Array:
        return mean_probability(scores)

    def finish_strip(self, scores: jax.Array) -> tuple[jax.Array, ...]:
        return (argmax_and_max(scores)[0],)

    @property
    def taught_label(self) -> TaughtClassMap:
        return TaughtClassMap(classes=tuple(self.classes))

    def finish_for_teaching(
        self, output: jax.Array, size: Size, image_sizes: np.ndarray
    ) -> list[Strip]:
        return start_strips(_most_probable, output, size, self.stride, image_sizes)

    def teach(
        self, finished: Sequence[tuple[np.ndarray, ...]], size: Size, image_size: Size
    ) -> ScoredClasses:
        classes, scores = join_strips(finished, image_size)
        return ScoredClasses(classes=classes, scores=scores)

    def to_taught_target(self, label: ScoredClasses) -> np.ndarray:
        certain = label.scores >= 255 * self.taught_confidence
        return np.where(certain, label.classes, np.uint8(VOID))

    def save(self, name: str, result: np.ndarray, folder: pathlib.Path) -> None:
        """Writes `NAME.index.png`: the class index of each pixel, a label of the folder layout."""
        palette = choose_palette(tuple(self.classes), DEFAULT_STYLE)
        write_index_mask(folder / f'{name}.index.png', result, palette)

    def voc_results(self, image: str, result: np.ndarray) -> dict[str, bytes]:
        return segmentation_results(image, result)

    def metrics(
        self, name: str, thresholds: int, kinds: Mapping[str, LabelKind]
    ) -> dict[str, Metric]:
        return {name: SegmentationMetric(self.channels, self.classes)}

    def describe_point(self, result: np.ndarray, x: int, y: int, min_score: float) -> str:
        return self.classes[result[y, x]]


def _most_probable(scores: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Maps scores (C, h, w) to the most probable class and its probability, uint8 (h, w)."""
    classes, highest = argmax_and_max(scores)
    probability = 1 / jnp.exp(scores - highest[None]).sum(0)
    return classes, jnp.rint(255 * probability).astype(jnp.uint8)
