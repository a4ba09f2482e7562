"""The base class of tasks that predict the probability of the second of two classes."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import jax
import numpy as np

from ubernet_jax.errors import require_setting
from ubernet_jax.tasks.dense import DenseTask
from ubernet_jax.tasks.fixed_point import FixedPoint, to_fixed_point
from ubernet_jax.tasks.views import mean_probability


@dataclasses.dataclass(kw_only=True)
class StrengthTask(DenseTask):
    """Softmax over two classes; the result is float32 (H, W), 0..1.

    Attributes:
      positive_share: share of 255 (0..1); label values above it belong to the second class.
    """

    channels: ClassVar[int] = 2

    positive_share: float = 0.5

    def validate(self, where: str) -> None:
        super().validate(where)
        fits, field = 0 <= self.positive_share < 1, f'{where}.positive_share'
        require_setting(fits, field, self.positive_share, '0 <= positive_share < 1')

    def finish_strip(self, scores: jax.Array) -> tuple[FixedPoint]:
        return (to_fixed_point(jax.nn.sigmoid(scores[1] - scores[0])),)

    def mean_scores(self, scores: Sequence[jax.Array]) -> jax.Array:
        return mean_probability(scores)

    def is_positive(self, strength: np.ndarray) -> np.ndarray:
        """Maps the strengths uint8 (H, W) of a label to bool (H, W), which are of the second class.

        Bytes are compared with a whole number, without a conversion to floats.
        """
        return strength > int(255 * self.positive_share)

    def is_certain(self, strength: np.ndarray) -> np.ndarray:
        """Maps the strengths uint8 (H, W) of a taught label to bool (H, W), which of them count.

        The confidence is the probability of the more probable of the two classes.
        """
        return np.maximum(strength, 255 - strength) >= 255 * self.taught_confidence

    def describe_point(self, result: np.ndarray, x: int, y: int, min_score: float) -> str:
        return f'{result[y, x]:.2f}'
