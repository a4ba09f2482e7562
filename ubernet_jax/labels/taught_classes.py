"""Maps of classes with their probabilities, as labels that a network predicts for another network.

The kinds are not registered: no file of a dataset has such labels.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from ubernet_jax.labels.class_lines import ClassLines
from ubernet_jax.labels.class_map import ClassMap
from ubernet_jax.labels.grid import Grid, Window
from ubernet_jax.labels.kind import VOID, LabelKind, Part
from ubernet_jax.labels.maps import keep_lines
from ubernet_jax.labels.review import Survey
from ubernet_jax.visualize.palette import Colour
from ubernet_jax.visualize.style import DEFAULT_STYLE, Style


@dataclasses.dataclass(slots=True, kw_only=True)
class ScoredClasses:
    """The most probable class of each pixel.

    Attributes:
      classes: uint8 (H, W), class index.
      scores: uint8 (H, W), the probability of that class, scaled to 0..255.
    """

    classes: np.ndarray
    scores: np.ndarray


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaughtClassMap(LabelKind):
    """A class and its probability for every pixel.

    Attributes:
      classes: class names in the order of the indices.
      plain: kind of the classes alone.
    """

    name: ClassVar[str] = 'taught_class_map'
    has_classes: ClassVar[bool] = True
    plain: ClassVar[type[ClassMap]] = ClassMap
    parts: ClassVar[Mapping[str, Part]] = dict.fromkeys(
        ('classes', 'scores'), Part(dtype=np.uint8, shape=(None, None))
    )
    classes: tuple[str, ...] = ()

    def read(self, path: Any, size: tuple[int, int] | None = None) -> Any:
        raise NotImplementedError('these labels are predicted, not read from files')

    def pack(self, label: ScoredClasses) -> dict[str, np.ndarray]:
        return {'classes': label.classes, 'scores': label.scores}

    def unpack(self, parts: Mapping[str, np.ndarray]) -> ScoredClasses:
        return ScoredClasses(**parts)

    def flip(self, label: ScoredClasses, width: int) -> ScoredClasses:
        return _apply(label, lambda values: values[:, ::-1])

    def resize(self, label: ScoredClasses, grid: Grid) -> ScoredClasses:
        return _apply(label, lambda values: grid.sample(values, Image.Resampling.NEAREST))

    def rotate(self, label: ScoredClasses, grid: Grid) -> ScoredClasses:
        return self.resize(label, grid)

    def crop(self, label: ScoredClasses, window: Window) -> ScoredClasses:
        return _apply(label, lambda values: values[window])

    def check(self, label: ScoredClasses, size: tuple[int, int]) -> list[str]:
        return self._plain.check(label.classes, size)

    def survey(self, label: ScoredClasses) -> Survey:
        return self._plain.survey(label.classes)

    def draw(self, label: ScoredClasses, image: np.ndarray, style: Style) -> np.ndarray:
        """Draws the classes; pixels with a probability below a half are void."""
        return self._plain.draw(_probable(label), image, style)

    def legend(self, label: ScoredClasses, style: Style = DEFAULT_STYLE) -> dict[str, Colour]:
        return self._plain.legend(_probable(label), style)

    @property
    def _plain(self) -> ClassMap:
        return self.plain(classes=self.classes)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaughtClassLines(TaughtClassMap):
    """Lines one pixel wide, each with its class and probability; both are 0 beside the lines."""

    name: ClassVar[str] = 'taught_class_lines'
    plain: ClassVar[type[ClassMap]] = ClassLines

    def resize(self, label: ScoredClasses, grid: Grid) -> ScoredClasses:
        lines = label.classes > 0
        return _apply(label, lambda values: keep_lines(values, lines, grid))

    def draw(self, label: ScoredClasses, image: np.ndarray, style: Style) -> np.ndarray:
        """Draws the classes; their opacity is the probability."""
        lines = ClassLines(classes=self.classes)
        return lines.draw(label.classes, image, style, strength=label.scores / np.float32(255))


def _apply(label: ScoredClasses, function: Callable[[np.ndarray], np.ndarray]) -> ScoredClasses:
    return ScoredClasses(classes=function(label.classes), scores=function(label.scores))


def _probable(label: ScoredClasses) -> np.ndarray:
    return np.where(label.scores > 127, label.classes, np.uint8(VOID))
