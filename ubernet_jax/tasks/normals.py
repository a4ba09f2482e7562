"""Surface normals: a unit vector for every pixel (paper, section 2.4)."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.errors import require_setting
from ubernet_jax.labels import LabelKind, UnitVectors
from ubernet_jax.labels.unit_vectors import to_integers
from ubernet_jax.losses.dense import length_error, to_unit_length, unit_vector
from ubernet_jax.metrics.metric import Metric
from ubernet_jax.metrics.normals import NormalsMetric
from ubernet_jax.tasks.dense import DenseTask
from ubernet_jax.tasks.fixed_point import FixedPoint, to_fixed_point
from ubernet_jax.tasks.registry import register
from ubernet_jax.tasks.views import mean


@register
@dataclasses.dataclass(kw_only=True)
class Normals(DenseTask):
    """The three scores are scaled to unit length; the result is float32 (H, W, 3).

    The components are x to the right, y up and z towards the camera.

    Attributes:
      transition: difference at which the smooth L1 loss changes from quadratic to linear.
      length_weight: weight of a further loss, the squared difference of the length of the scores
        from 1; 0 for none. The smooth L1 loss does not depend on the length, but the longer the
        scores, the smaller is its gradient (docs/results/decisions.md).
    """

    kind: ClassVar[str] = 'normals'
    label_kind: ClassVar[type[LabelKind]] = UnitVectors
    meaning: ClassVar[str] = 'x right, y up, z towards the camera; not yet of unit length'
    scored_as: ClassVar[tuple[str, ...]] = ('normals',)
    channels: ClassVar[int] = 3

    transition: float = 1.0
    length_weight: float = 0.0

    def validate(self, where: str) -> None:
        super().validate(where)
        require_setting(self.transition > 0, f'{where}.transition', self.transition, 'above 0')
        fits = self.length_weight >= 0
        require_setting(fits, f'{where}.length_weight', self.length_weight, '0 or more')

    def pixel_loss(
        self, scores: jax.Array, target: jax.Array, valid: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        true_vectors = to_unit_length(target.astype(jnp.float32))
        loss, counted = unit_vector(scores, true_vectors, self.transition)
        if self.length_weight:
            loss = loss + self.length_weight * length_error(scores)
        return loss, counted

    def to_target(self, label: np.ndarray) -> np.ndarray:
        return to_integers(label, np.int8)

    def mean_scores(self, scores: Sequence[jax.Array]) -> jax.Array:
        """Returns the mean of the unit vectors."""
        return mean([_to_unit_length(view, -1) for view in scores])

    def finish_strip(self, scores: jax.Array) -> tuple[FixedPoint]:
        return (to_fixed_point(jnp.moveaxis(_to_unit_length(scores, 0), 0, -1)),)

    def metrics(
        self, name: str, thresholds: int, kinds: Mapping[str, LabelKind]
    ) -> dict[str, Metric]:
        return {name: NormalsMetric()}

    def describe_point(self, result: np.ndarray, x: int, y: int, min_score: float) -> str:
        return 'right {:.2f}, up {:.2f}, near {:.2f}'.format(*result[y, x])


def _to_unit_length(scores: jax.Array, axis: int) -> jax.Array:
    length = jnp.linalg.norm(scores, axis=axis, keepdims=True)
    return scores / jnp.maximum(length, 1e-12)
