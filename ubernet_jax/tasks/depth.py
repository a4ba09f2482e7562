"""Depth: the distance of every pixel from the camera's plane, in metres."""

import dataclasses
import enum
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.errors import require_setting
from ubernet_jax.labels import LabelKind, Metres
from ubernet_jax.metrics.depth import DepthMetric
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.tasks.dense import DenseTask
from ubernet_jax.tasks.task import register

LOG_RANGE = (-5.0, 8.0)  # of the logarithm of a depth: 7 mm to 3 km
_FARTHEST = np.finfo(Metres.target).max  # metres; what is farther, such as a sky, is unknown


class DepthLoss(enum.Enum):
    """How a predicted depth is compared with the true one."""

    L1 = 'l1'  # absolute difference, in metres
    SCALE_INVARIANT = 'scale_invariant'  # of logarithms, part of a common factor forgiven


@register
@dataclasses.dataclass(kw_only=True)
class Depth(DenseTask):
    """The score is the natural logarithm of the depth; the result is float32 (H, W), metres.

    The L1 loss is in metres: of scenes many metres deep, a smaller `weight` keeps it from being
    most of what the trunk learns from.

    Attributes:
      criterion: the loss of a pixel.
      forgiven: lambda of the scale-invariant loss (Eigen et al., arXiv 1406.2283), 0..1: of the
        squared mean difference of logarithms in an image, so much is not counted.
      valid: true depths from the first to the second, in metres, are scored.
    """

    kind: ClassVar[str] = 'depth'
    label_kind: ClassVar[type[LabelKind]] = Metres
    meaning: ClassVar[str] = 'natural logarithm of the depth in metres'
    channels: ClassVar[int] = 1

    criterion: DepthLoss = DepthLoss.L1
    forgiven: float = 0.5
    valid: tuple[float, float] = (0.001, 80.0)

    def validate(self, where: str) -> None:
        super().validate(where)
        fits = 0 <= self.forgiven <= 1
        require_setting(fits, f'{where}.forgiven', self.forgiven, '0 to 1')
        low, high = self.valid
        require_setting(0 < low < high, f'{where}.valid', self.valid, '0 < nearest < farthest')

    def pixel_loss(
        self, scores: jax.Array, target: jax.Array, valid: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        true, log = target.astype(jnp.float32), jnp.clip(scores[..., 0], *LOG_RANGE)
        known = true > 0
        if self.criterion is DepthLoss.L1:
            return jnp.abs(jnp.exp(log) - true), known
        difference = log - jnp.log(jnp.where(known, true, 1))
        counted = known & valid
        total = jnp.where(counted, difference, 0).sum((1, 2), keepdims=True)
        mean = total / jnp.maximum(counted.sum((1, 2), keepdims=True), 1)
        # Its mean over the image is that of the squares less lambda times the squared mean.
        return difference**2 - self.forgiven * mean * difference, known

    def to_target(self, label: np.ndarray) -> np.ndarray:
        return np.where(label <= _FARTHEST, label, 0)

    def finish_strip(self, scores: np.ndarray) -> tuple[np.ndarray, ...]:
        return (np.exp(np.clip(scores[:, 0], *LOG_RANGE)),)

    def metrics(
        self, name: str, thresholds: int, kinds: Mapping[str, LabelKind]
    ) -> dict[str, Metric]:
        return {name: DepthMetric(valid=tuple(self.valid))}

    def describe_point(self, result: np.ndarray, x: int, y: int, least: float) -> str:
        return f'{result[y, x]:.2f} m'
