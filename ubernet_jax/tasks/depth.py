"""Depth: the distance of every pixel from the camera plane, in metres."""

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import ClassVar, cast

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.errors import require_setting
from ubernet_jax.labels import LabelKind, Metres
from ubernet_jax.metrics.depth import DepthMetric
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.tasks.dense import DenseTask
from ubernet_jax.tasks.registry import register
from ubernet_jax.tasks.views import mean

LOG_RANGE = (-5.0, 8.0)  # allowed natural logarithms of a depth in metres: 7 mm to 3 km
# Larger depths in metres, such as the sky's, are treated as unknown.
_FARTHEST = np.finfo(cast(type[np.floating], Metres.target)).max


class DepthLoss(enum.Enum):
    """How a predicted depth is compared with the true depth.

    Attributes:
      L1: absolute difference, in metres.
      SCALE_INVARIANT: squared difference of logarithms; a common factor is partly ignored.
    """

    L1 = 'l1'
    SCALE_INVARIANT = 'scale_invariant'


@register
@dataclasses.dataclass(kw_only=True)
class Depth(DenseTask):
    """The score is the natural logarithm of the depth; the result is float32 (H, W), metres.

    The L1 loss is in metres: for scenes many metres deep, a smaller `weight` keeps it from
    dominating the trunk's gradient.

    Attributes:
      criterion: loss of a pixel.
      forgiven: lambda of the scale-invariant loss (Eigen et al., arXiv 1406.2283), 0..1: the share
        of the squared mean difference of logarithms in an image that is subtracted from the loss.
      valid: (lowest, highest) true depth, in metres, that the evaluation counts.
    """

    kind: ClassVar[str] = 'depth'
    label_kind: ClassVar[type[LabelKind]] = Metres
    meaning: ClassVar[str] = 'natural logarithm of the depth in metres'
    scored_as: ClassVar[tuple[str, ...]] = ('depth',)
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
        true_depth, log_depth = target.astype(jnp.float32), jnp.clip(scores[..., 0], *LOG_RANGE)
        known = true_depth > 0
        if self.criterion is DepthLoss.L1:
            return jnp.abs(jnp.exp(log_depth) - true_depth), known
        difference = log_depth - jnp.log(jnp.where(known, true_depth, 1))
        counted = known & valid
        total = jnp.where(counted, difference, 0).sum((1, 2), keepdims=True)
        mean = total / jnp.maximum(counted.sum((1, 2), keepdims=True), 1)
        # The mean over the image is the mean square minus lambda times the squared mean.
        return difference**2 - self.forgiven * mean * difference, known

    def to_target(self, label: np.ndarray) -> np.ndarray:
        return np.where(label <= _FARTHEST, label, 0)

    def mean_scores(self, scores: Sequence[jax.Array]) -> jax.Array:
        """Returns the logarithm of the mean depth."""
        return jnp.log(mean([jnp.exp(jnp.clip(view, *LOG_RANGE)) for view in scores]))

    def finish_strip(self, scores: jax.Array) -> tuple[jax.Array, ...]:
        return (jnp.exp(jnp.clip(scores[0], *LOG_RANGE)),)

    def metrics(
        self, name: str, thresholds: int, kinds: Mapping[str, LabelKind]
    ) -> dict[str, Metric]:
        nearest, farthest = self.valid
        return {name: DepthMetric(valid=(nearest, farthest))}

    def describe_point(self, result: np.ndarray, x: int, y: int, min_score: float) -> str:
        return f'{result[y, x]:.2f} m'
