"""Class maps: uint8 (H, W), the class index of each pixel; VOID where it is unknown."""

import dataclasses
import functools
import pathlib
from typing import ClassVar

import numpy as np
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.labels.class_palette import choose_palette, palette_fields
from ubernet_jax.labels.grid import Grid
from ubernet_jax.labels.kind import VOID
from ubernet_jax.labels.maps import MapKind, histogram
from ubernet_jax.labels.reading import is_array, read_array, read_picture, require_size
from ubernet_jax.labels.registry import register
from ubernet_jax.labels.review import Review, Survey
from ubernet_jax.visualize.drawing import class_colours, in_bands, mix, require_same_size
from ubernet_jax.visualize.outlines import OUTLINE, find_outlines
from ubernet_jax.visualize.palette import Colour
from ubernet_jax.visualize.style import DEFAULT_STYLE, Style

NOTABLE = 0.001  # minimum share of the pixels for a class to appear in the legend


@register
@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassMap(MapKind):
    """A class for every pixel.

    Attributes:
      classes: class names in the order of the indices; empty where they are not known yet.
    """

    name: ClassVar[str] = 'class_map'
    has_classes: ClassVar[bool] = True
    classes: tuple[str, ...] = ()

    def read(
        self, path: pathlib.Path, size: tuple[int, int] | None = None, key: str = ''
    ) -> np.ndarray:
        """Reads a grey or palette PNG, or an array of integers. Raises as `LabelKind.read`."""
        if is_array(path):
            label = read_array(path, key or 'segmentation')
        else:
            label = read_picture(path, {'1', 'L', 'P', 'I;16'})
        if label.ndim != 2 or not label.size or label.dtype.kind not in 'biu':
            raise UserError(
                f'{path}: got {label.dtype} {label.shape}; a class map must be integers (H, W): '
                'save the class indices as uint8'
            )
        require_size(path, label, size)
        return check_classes(path, label, self.classes)

    def resample(self, label: np.ndarray, grid: Grid) -> np.ndarray:
        return grid.sample(label, Image.Resampling.NEAREST)

    def check(self, label: np.ndarray, size: tuple[int, int]) -> list[str]:
        return [*super().check(label, size), *describe_wrong_class(label, self.classes)]

    def survey(self, label: np.ndarray) -> Survey:
        return {'histogram': histogram(label)}

    def review(self, total: Survey) -> Review:
        return review_classes(total['histogram'], self.classes)

    @property
    def style_fields(self) -> tuple[str, ...]:
        return 'opacity', *palette_fields(self.classes)

    def draw(self, label: np.ndarray, image: np.ndarray | None, style: Style) -> np.ndarray:
        """Draws class colours, over the image if given: then the background is clear, and a line
        separates regions. Void is beige."""
        require_same_size(self.name, label, image)
        colours = choose_palette(self.classes, style)
        if image is None:
            return in_bands(lambda classes: colours[classes], label)
        draw = functools.partial(_draw_over, colours, style.opacity)
        return in_bands(draw, label, find_outlines(label), image)

    def legend(self, label: np.ndarray, style: Style = DEFAULT_STYLE) -> dict[str, Colour]:
        minimum = NOTABLE * label.size
        visible = (i for i, count in enumerate(histogram(label)) if count > minimum)
        return class_colours(self.classes, choose_palette(self.classes, style), visible, VOID)

    def full_legend(self, style: Style = DEFAULT_STYLE) -> dict[str, Colour]:
        palette = choose_palette(self.classes, style)
        return class_colours(self.classes, palette, range(len(self.classes)))


def check_classes(path: pathlib.Path, label: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """Converts class indices to uint8; raises a UserError if an index is out of range."""
    if wrong := describe_wrong_class(label, classes):
        raise UserError(
            f'{path}: {wrong[0]}. Correct the pixels, or add the class to the list (of a folder to '
            'prepare: its labels.json, or the text file that names the classes)'
        )
    return label.astype(np.uint8)


def describe_wrong_class(label: np.ndarray, classes: tuple[str, ...]) -> list[str]:
    """Describes the lowest class index that is neither a class nor VOID; empty if there is none."""
    indices = np.unique(label)
    limit = len(classes) or VOID
    wrong = indices[(indices < 0) | ((indices >= limit) & (indices != VOID))]
    return [
        f'class index {index} is out of range; allowed are 0 to {limit - 1}, and {VOID} where the '
        'class is unknown'
        for index in wrong[:1].tolist()
    ]


def review_classes(counts: list[int], classes: tuple[str, ...]) -> Review:
    """Reviews the histogram of the class indices of a whole dataset."""
    present = [index for index, count in enumerate(counts) if count]
    known = [index for index in present if index != VOID]
    errors, notes = [], []
    if present == [0, VOID]:
        errors.append(
            f'the labels have only the values 0 and {VOID}, and {VOID} means "unknown": for a '
            'mask of a single object, use the kind soft_mask or the class index 1'
        )
    elif known in ([], [0]):
        notes.append('the labels have no pixel of any class except the first')
    elif absent := [classes[i] for i in range(1, len(classes)) if not counts[i]]:
        ellipsis = ', ...' if len(absent) > 5 else ''
        notes.append(f'classes without a pixel ({len(absent)}): {", ".join(absent[:5])}{ellipsis}')
    return Review(
        errors=tuple(errors),
        notes=tuple(notes),
        void=counts[VOID] / max(1, sum(counts)),
        values=f'{known[0]}-{known[-1]}' if known else '',
    )


def _draw_over(
    colours: np.ndarray,
    opacity: float,
    classes: np.ndarray,
    outlines: np.ndarray,
    image: np.ndarray,
) -> np.ndarray:
    drawn = np.where(outlines[..., np.newaxis], np.array(OUTLINE, np.uint8), colours[classes])
    clear = (classes == 0) & ~outlines
    return mix(image, drawn, np.where(clear, np.float32(0), np.float32(opacity)))
