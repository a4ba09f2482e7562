"""The result of a detection task for one image."""

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ubernet_jax.metrics.boxes import ScoredBoxes


class Box(NamedTuple):
    """One detected object.

    Attributes:
      corners: x1, y1, x2, y2 in pixels of the photograph, 0-based; x2 and y2 are exclusive.
      label: name of its class.
      score: 0..1.
    """

    corners: tuple[float, float, float, float]
    label: str
    score: float


@dataclasses.dataclass(slots=True, kw_only=True)
class Detections:
    """The detected objects of one image, by descending score; iteration yields a `Box` for each.

    Attributes:
      corners: float32 (D, 4), in pixels of the original image.
      classes: uint8 (D,), class index, 1..C-1.
      scores: float32 (D,), 0..1.
      names: names of all classes, the background first.
    """

    corners: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.scores)

    def __iter__(self) -> Iterator[Box]:
        rows = zip(self.corners.tolist(), self.classes, self.scores.tolist(), strict=True)
        for (x1, y1, x2, y2), index, score in rows:
            yield Box((x1, y1, x2, y2), self.names[index], score)


class MeasuredBoxes(NamedTuple):
    """The boxes of one image that the metrics of detection take.

    Attributes:
      detections: boxes with classes.
      proposals: boxes of the detector's first stage, without classes.
    """

    detections: ScoredBoxes
    proposals: ScoredBoxes
