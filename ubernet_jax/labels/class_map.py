"""Class maps: uint8 (H, W), the index of each pixel's class; VOID where it is not known."""

import dataclasses
import functools
import pathlib
from typing import ClassVar

import numpy as np
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.labels.kind import VOID, Grid, Review, Survey, register
from ubernet_jax.labels.maps import MapKind, histogram
from ubernet_jax.labels.reading import is_array, read_array, read_picture, require_size
from ubernet_jax.visualize.drawing import class_colours, in_bands, mix, require_same_size
from ubernet_jax.visualize.palette import PALETTE, Colour
from ubernet_jax.visualize.style import Style

NOTABLE = 0.001  # the least share of the picture that brings a class into the legend


@register
@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassMap(MapKind):
    """A class for every pixel.

    Attributes:
      classes: their names in the order of the indices; empty where they are not known yet.
    """

    name: ClassVar[str] = 'class_map'
    has_classes: ClassVar[bool] = True
    classes: tuple[str, ...] = ()

    def read(
        self, path: pathlib.Path, size: tuple[int, int] | None = None, key: str = ''
    ) -> np.ndarray:
        """A grey or palette PNG, or an array of integers. Raises as `LabelKind.read`."""
        if is_array(path):
            label = read_array(path, key or 'segmentation')
        else:
            label = read_picture(path, {'1', 'L', 'P', 'I;16'})
        if label.ndim != 2 or not label.size or label.dtype.kind not in 'biu':
            raise UserError(
                f'{path}: got {label.dtype} {label.shape}; a class map is of integers (H, W): save '
                'the indices as uint8'
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

    def draw(self, label: np.ndarray, image: np.ndarray | None, style: Style) -> np.ndarray:
        """Class colours, over the photograph if there is one; background is clear, void beige."""
        require_same_size(self.name, label, image)
        return in_bands(functools.partial(_draw, opacity=style.opacity), label, image)

    def legend(self, label: np.ndarray) -> dict[str, Colour]:
        least = NOTABLE * label.size
        seen = (i for i, count in enumerate(histogram(label)) if count > least)
        return class_colours(self.classes, seen, VOID)

    def full_legend(self) -> dict[str, Colour]:
        return class_colours(self.classes, range(len(self.classes)))


def check_classes(path: pathlib.Path, label: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """A map of class indices as uint8; raises a UserError where one is out of range."""
    if wrong := describe_wrong_class(label, classes):
        raise UserError(f'{path}: {wrong[0]}')
    return label.astype(np.uint8)


def describe_wrong_class(label: np.ndarray, classes: tuple[str, ...]) -> list[str]:
    """Names a class index that is neither one of the classes nor VOID; nothing if there is none."""
    found = np.unique(label)
    limit = len(classes) or VOID
    wrong = found[(found < 0) | ((found >= limit) & (found != VOID))]
    return [
        f'class index {index} is out of range; allowed are 0 to {limit - 1}, and {VOID} where the '
        'class is not known'
        for index in wrong[:1].tolist()
    ]


def review_classes(counts: list[int], classes: tuple[str, ...]) -> Review:
    """What a histogram of class indices over a set says."""
    found = [index for index, count in enumerate(counts) if count]
    known = [index for index in found if index != VOID]
    errors, notes = [], []
    if found == [0, VOID]:
        errors.append(
            f'the labels have no value but 0 and {VOID}, and {VOID} means "not known": a mask of '
            'one object is of kind soft_mask, or has the class index 1'
        )
    elif known in ([], [0]):
        notes.append('the labels have no pixel of any class but the first')
    elif absent := [classes[i] for i in range(1, len(classes)) if not counts[i]]:
        more = ', ...' if len(absent) > 5 else ''
        notes.append(f'classes without a pixel ({len(absent)}): {", ".join(absent[:5])}{more}')
    return Review(
        errors=tuple(errors),
        notes=tuple(notes),
        void=counts[VOID] / max(1, sum(counts)),
        values=f'{known[0]}-{known[-1]}' if known else '',
    )


def _draw(classes: np.ndarray, image: np.ndarray | None, opacity: float) -> np.ndarray:
    colours = PALETTE[classes]
    if image is None:
        return colours
    return mix(image, colours, np.where(classes == 0, np.float32(0), np.float32(opacity)))
