"""Boxes with the scores of the network that predicted them, as labels for another network."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from ubernet_jax.labels.boxes import Boxes, BoxSet
from ubernet_jax.labels.kind import Part


@dataclasses.dataclass(slots=True, kw_only=True)
class ScoredBoxSet(BoxSet):
    """Predicted objects, by descending score.

    Attributes:
      scores: float32 (B,), 0..1.
    """

    scores: np.ndarray


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaughtBoxes(Boxes):
    """Boxes with classes and scores. Not registered: no file of a dataset has such labels."""

    name: ClassVar[str] = 'taught_boxes'
    parts: ClassVar[Mapping[str, Part]] = {
        **Boxes.parts,
        'scores': Part(dtype=np.float32, shape=(None,)),
    }

    def unpack(self, parts: Mapping[str, np.ndarray]) -> ScoredBoxSet:
        return ScoredBoxSet(**parts)
