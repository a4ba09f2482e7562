"""Soft masks: the probability that a pixel is marked, such as saliency (paper, section 2.4)."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.labels import VOID, LabelKind
from ubernet_jax.labels import SoftMask as SoftMaskLabel
from ubernet_jax.losses.dense import soft_cross_entropy
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.metrics.saliency import SaliencyMetric
from ubernet_jax.tasks.registry import register
from ubernet_jax.tasks.strength import StrengthTask
from ubernet_jax.tasks.task import Size
from ubernet_jax.visualize.drawing import to_bytes

FULL = 254  # in a target: the pixel is marked; 0: it is not; between: its probability times 254


@register
@dataclasses.dataclass(kw_only=True)
class SoftMask(StrengthTask):
    """The result is float32 (H, W), the probability that a pixel is marked.

    A real label is marked or not; a taught label is the probability itself.
    """

    kind: ClassVar[str] = 'soft_mask'
    label_kind: ClassVar[type[LabelKind]] = SoftMaskLabel
    meaning: ClassVar[str] = (
        'scores of background and of marked pixels; softmax gives probabilities'
    )
    scored_as: ClassVar[tuple[str, ...]] = ('saliency',)

    def pixel_loss(
        self, scores: jax.Array, target: jax.Array, valid: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        return soft_cross_entropy(scores, target.astype(jnp.float32) / FULL), target != VOID

    def to_target(self, label: np.ndarray) -> np.ndarray:
        # A product takes a tenth of the time of `np.where`.
        return self.is_positive(label) * np.uint8(FULL)

    def teach(
        self, finished: Sequence[tuple[np.ndarray, ...]], size: Size, image_size: Size
    ) -> np.ndarray:
        return to_bytes(self.result(finished, size, image_size))

    def to_taught_target(self, label: np.ndarray) -> np.ndarray:
        share = np.rint(label * np.float32(FULL / 255)).astype(np.uint8)
        return np.where(self.is_certain(label), share, np.uint8(VOID))

    def metrics(
        self, name: str, thresholds: int, kinds: Mapping[str, LabelKind]
    ) -> dict[str, Metric]:
        return {name: SaliencyMetric()}
