"""Soft masks: the probability that a pixel is marked, such as saliency (paper, section 2.4)."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import jax
import numpy as np
import scipy.special

from ubernet_jax.errors import require_setting
from ubernet_jax.labels import LabelKind
from ubernet_jax.labels import SoftMask as SoftMaskLabel
from ubernet_jax.losses.dense import cross_entropy
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.metrics.saliency import SaliencyMetric
from ubernet_jax.tasks.dense import DenseTask
from ubernet_jax.tasks.task import register


@register
@dataclasses.dataclass(kw_only=True)
class SoftMask(DenseTask):
    """Softmax of two classes; the result is float32 (H, W), the second one's probability.

    Attributes:
      positive_share: of 255; labels above it are marked.
    """

    kind: ClassVar[str] = 'soft_mask'
    label_kind: ClassVar[type[LabelKind]] = SoftMaskLabel
    meaning: ClassVar[str] = (
        'scores of background and of what is marked; softmax gives probabilities'
    )
    channels: ClassVar[int] = 2

    positive_share: float = 0.5

    def validate(self, where: str) -> None:
        super().validate(where)
        fits, field = 0 <= self.positive_share < 1, f'{where}.positive_share'
        require_setting(fits, field, self.positive_share, '0 <= positive_share < 1')

    def pixel_loss(
        self, scores: jax.Array, target: jax.Array, valid: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        return cross_entropy(scores, target)

    def to_target(self, label: np.ndarray) -> np.ndarray:
        return label > 255 * self.positive_share

    def finish_strip(self, scores: np.ndarray) -> tuple[np.ndarray, ...]:
        return (scipy.special.expit(scores[:, 1] - scores[:, 0]),)

    def metrics(
        self, name: str, thresholds: int, kinds: Mapping[str, LabelKind]
    ) -> dict[str, Metric]:
        return {name: SaliencyMetric()}

    def describe_point(self, result: np.ndarray, x: int, y: int, least: float) -> str:
        return f'{result[y, x]:.2f}'
