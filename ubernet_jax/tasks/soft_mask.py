"""Soft masks: the probability that a pixel is marked, such as saliency (paper, section 2.4)."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import jax
import numpy as np

from ubernet_jax.labels import LabelKind
from ubernet_jax.labels import SoftMask as SoftMaskLabel
from ubernet_jax.losses.dense import cross_entropy
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.metrics.saliency import SaliencyMetric
from ubernet_jax.tasks.registry import register
from ubernet_jax.tasks.strength import StrengthTask


@register
@dataclasses.dataclass(kw_only=True)
class SoftMask(StrengthTask):
    """The result is float32 (H, W), the probability that a pixel is marked."""

    kind: ClassVar[str] = 'soft_mask'
    label_kind: ClassVar[type[LabelKind]] = SoftMaskLabel
    meaning: ClassVar[str] = (
        'scores of background and of marked pixels; softmax gives probabilities'
    )

    def pixel_loss(
        self, scores: jax.Array, target: jax.Array, valid: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        return cross_entropy(scores, target)

    def to_target(self, label: np.ndarray) -> np.ndarray:
        return label > 255 * self.positive_share

    def metrics(
        self, name: str, thresholds: int, kinds: Mapping[str, LabelKind]
    ) -> dict[str, Metric]:
        return {name: SaliencyMetric()}
