"""Semantic boundaries: uint8 (H, W), 0 = no boundary, else the boundary's class; VOID unknown."""

import dataclasses
import functools
from typing import ClassVar

import numpy as np
from PIL import Image

from ubernet_jax.labels.class_map import NOTABLE, ClassMap
from ubernet_jax.labels.class_palette import choose_palette, palette_fields
from ubernet_jax.labels.grid import Grid
from ubernet_jax.labels.kind import VOID
from ubernet_jax.labels.maps import keep_lines
from ubernet_jax.labels.registry import register
from ubernet_jax.visualize.drawing import class_colours, in_bands, mix, require_same_size
from ubernet_jax.visualize.palette import Colour
from ubernet_jax.visualize.ridges import draw_ridges
from ubernet_jax.visualize.style import DEFAULT_STYLE, Style

VISIBLE = 0.25  # minimum strength at which a boundary's class appears in the legend


@register
@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassLines(ClassMap):
    """Lines one pixel wide, each with its class; the first class means no boundary."""

    name: ClassVar[str] = 'class_lines'

    def resample(self, label: np.ndarray, grid: Grid) -> np.ndarray:
        return keep_lines(label, (label > 0) & (label != VOID), grid)

    @property
    def style_fields(self) -> tuple[str, ...]:
        return 'thickness', *palette_fields(self.classes)

    def draw(
        self,
        label: np.ndarray,
        image: np.ndarray | None,
        style: Style,
        strength: np.ndarray | None = None,
    ) -> np.ndarray:
        """Draws class colours on white; `strength`, float (H, W), 0..1, is their opacity."""
        require_same_size(self.name, label, image, strength)
        if strength is not None and style.thickness:
            strength, label = draw_ridges(strength, label, style.thickness)
        palette = choose_palette(self.classes, style)
        return in_bands(functools.partial(_draw, palette), label, strength)

    def legend(
        self,
        label: np.ndarray,
        style: Style = DEFAULT_STYLE,
        strength: np.ndarray | None = None,
    ) -> dict[str, Colour]:
        """As for class maps, ignoring boundaries fainter than `VISIBLE`."""
        mask = None if strength is None else Image.fromarray(strength >= VISIBLE)
        counts = Image.fromarray(np.ascontiguousarray(label)).histogram(mask)
        palette = choose_palette(self.classes, style)
        visible_classes = (i for i, count in enumerate(counts) if count > NOTABLE * label.size)
        return class_colours(self.classes, palette, visible_classes, VOID)


def _draw(palette: np.ndarray, classes: np.ndarray, strength: np.ndarray | None) -> np.ndarray:
    opacity = (classes != 0).astype(np.float32)
    if strength is not None:
        opacity *= strength
    return mix(np.full((1, 1, 3), 255, np.uint8), palette[classes], opacity)
