"""Boundaries, with a bag of neighbours around each labelled pixel (paper, section 2.4)."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar

import jax
import numpy as np

from ubernet_jax.errors import require_setting
from ubernet_jax.example import Example
from ubernet_jax.labels import VOID, LabelKind, Lines
from ubernet_jax.labels.lines import LineMap
from ubernet_jax.losses.bags import multiple_instance
from ubernet_jax.metrics.boundaries import PROTOCOLS, BoundaryMetric
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.metrics.nms import Nms, suppress
from ubernet_jax.tasks.dense import DenseTask
from ubernet_jax.tasks.registry import register
from ubernet_jax.tasks.strength import StrengthTask
from ubernet_jax.tasks.task import Size
from ubernet_jax.visualize.drawing import to_bytes


@dataclasses.dataclass(kw_only=True)
class BagTask(DenseTask):
    """A dense task whose first class is "no boundary".

    Attributes:
      bag_radius: radius in pixels of the bag around a boundary label; the best score in the bag
        counts (arXiv 1511.07386).
      positive_weight: loss weight of boundary pixels.
      negative_weight: loss weight of the other pixels.
    """

    bag_radius: int = 2
    positive_weight: float = 0.95
    negative_weight: float = 0.05

    def validate(self, where: str) -> None:
        super().validate(where)
        for field in ('bag_radius', 'positive_weight', 'negative_weight'):
            value = getattr(self, field)
            require_setting(value >= 0, f'{where}.{field}', value, '0 or more')

    def pixel_loss(
        self, scores: jax.Array, target: jax.Array, valid: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        weights = self.positive_weight, self.negative_weight
        return multiple_instance(scores, target, valid, self.bag_radius, *weights)


@register
@dataclasses.dataclass(kw_only=True)
class Boundaries(StrengthTask, BagTask):
    """The result is float32 (H, W), the probability of a boundary.

    Attributes:
      positive_share: share of annotators (0..1) above which a pixel is positive. Pixels that no
        annotator marked are negative. Pixels in between, where annotators disagree, are ignored:
        common practice since RCF, arXiv 1612.02103.
    """

    kind: ClassVar[str] = 'boundaries'
    label_kind: ClassVar[type[LabelKind]] = Lines
    meaning: ClassVar[str] = 'scores of no boundary and boundary; softmax gives probabilities'
    scored_as: ClassVar[tuple[str, ...]] = ('boundaries',)

    def to_target(self, label: LineMap) -> np.ndarray:
        positive = self.is_positive(label.share)
        undecided = (label.share > 0) & ~positive
        return positive | undecided * np.uint8(VOID)

    def teach(
        self, finished: Sequence[tuple[np.ndarray, ...]], size: Size, image_size: Size
    ) -> LineMap:
        """Returns the probability on lines, thinned as for the evaluation, and 0 beside them."""
        strength = suppress(self.result(finished, size, image_size), Nms.SMOOTHED)
        return LineMap(share=to_bytes(strength.astype(np.float32)))

    def to_taught_target(self, label: LineMap) -> np.ndarray:
        return np.where(self.is_certain(label.share), label.share > 127, np.uint8(VOID))

    def metrics(
        self, name: str, thresholds: int, kinds: Mapping[str, LabelKind]
    ) -> dict[str, Metric]:
        """Uses the protocol of the benchmark's label."""
        label = kinds.get(name, self.label)
        protocol = PROTOCOLS[label.protocol if isinstance(label, Lines) else Lines().protocol]
        return {name: BoundaryMetric(thresholds=thresholds, **protocol._asdict())}

    def truth(self, label: LineMap, example: Example) -> np.ndarray:
        """Returns each annotator's boundaries if the label keeps them separate."""
        return label.share > 127 if label.annotators is None else label.annotators
