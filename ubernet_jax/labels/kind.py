"""The base class of all kinds of labels.

A kind of label is one class with everything that the host code, in numpy, knows about such labels.
An instance describes the labels with a given name in a dataset: their kind and, for kinds with
classes, the class names. Shape letters: H x W pixels.
"""

import abc
import dataclasses
import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ubernet_jax.errors import UserError
from ubernet_jax.labels.grid import RotatedGrid, ScaledGrid, Window
from ubernet_jax.labels.review import Review, Survey
from ubernet_jax.visualize.palette import Colour
from ubernet_jax.visualize.style import DEFAULT_STYLE, Style

VOID = 255  # class index of a pixel without a label, in files and in memory
MAX_CLASSES = VOID


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One array of a stored label.

    Attributes:
      dtype: of its elements.
      shape: its shape, with None for a length that differs between images.
    """

    dtype: type[np.generic]
    shape: tuple[int | None, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelKind(abc.ABC):
    """A kind of label; an instance describes the labels with a given name in a dataset.

    Attributes:
      name: name of the kind in `labels.json` and in prepared datasets.
      suffixes: suffixes of its label files in the folder layout.
      has_classes: whether the values are class indices, so that `classes` must be known.
      rotates: whether the labels can be rotated; a rotated image loses labels that cannot.
      mirror_signs: factors on the components of a vector when the image is flipped left to right;
        empty if flipping changes no value.
      classes: class names in the order of the indices; a field of kinds with classes, otherwise
        empty.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ('.png',)
    has_classes: ClassVar[bool] = False
    rotates: ClassVar[bool] = True
    mirror_signs: ClassVar[tuple[float, ...]] = ()
    classes: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if isinstance(getattr(self, field.name), list):  # from JSON
                object.__setattr__(self, field.name, tuple(getattr(self, field.name)))

    # Files.

    @abc.abstractmethod
    def read(self, path: Any, size: tuple[int, int] | None = None) -> Any:
        """Reads a label file of an image of `size` (height, width).

        Raises:
          UserError: the file is damaged, does not fit the image, or has a value out of range.
        """

    # Records.

    @property
    @abc.abstractmethod
    def parts(self) -> Mapping[str, Part]:
        """The arrays that store a label in a record."""

    @abc.abstractmethod
    def pack(self, label: Any) -> dict[str, np.ndarray]:
        """Converts a label to the arrays of a record."""

    @abc.abstractmethod
    def unpack(self, parts: Mapping[str, np.ndarray]) -> Any:
        """Converts the arrays of a record to a label; the inverse of `pack`."""

    def count(self, label: Any) -> int | None:
        """Returns the number of objects in the label; None for a kind without objects."""
        return None

    def for_training(self, label: Any) -> Any:
        """Returns the label without the parts that only the evaluation needs."""
        return label

    # Transforms, together with the image.

    @abc.abstractmethod
    def flip(self, label: Any, width: int) -> Any:
        """Flips the label of an image of `width` pixels left to right."""

    @abc.abstractmethod
    def resize(self, label: Any, grid: ScaledGrid) -> Any:
        """Resamples the label on a scaled grid."""

    def rotate(self, label: Any, grid: RotatedGrid) -> Any:
        """Resamples the label on a rotated grid; only for kinds with `rotates`."""
        raise NotImplementedError

    @abc.abstractmethod
    def crop(self, label: Any, window: Window) -> Any:
        """Crops the label to a window."""

    # Values.

    @abc.abstractmethod
    def check(self, label: Any, size: tuple[int, int]) -> list[str]:
        """Describes the errors in a label of an image of `size` (height, width), usually none."""

    def survey(self, label: Any) -> Survey:
        """Counts the label's values; the counts have the same length for all labels."""
        return {}

    def review(self, total: Survey) -> Review:
        """Describes the values of a dataset, given the sum of the surveys of all its labels."""
        return Review()

    # Pictures.

    @abc.abstractmethod
    def draw(self, label: Any, image: np.ndarray, style: Style) -> np.ndarray:
        """Draws a label in the usual way of its field.

        Args:
          label: the label to draw.
          image: uint8 (H, W, 3), RGB, the image that is labelled.
          style: the adjustable settings.

        Returns:
          uint8 (H, W, 3), RGB.
        """

    def legend(self, label: Any, style: Style = DEFAULT_STYLE) -> dict[str, Colour]:
        """Maps class name -> colour for the classes visible in `draw(label, ..., style)`."""
        return {}

    def full_legend(self, style: Style = DEFAULT_STYLE) -> dict[str, Colour]:
        """Maps class name -> colour for all classes, visible or not."""
        return {}

    @property
    def style_fields(self) -> tuple[str, ...]:
        """Names of the fields of `Style` that the pictures of labels or predictions depend on."""
        return ()

    def key(self, label: Any, side: int) -> np.ndarray | None:
        """Draws a key of the colours, uint8 (h, w, 4), RGBA, about `side` pixels high.

        Its background is clear, since pages are light or dark.

        None for kinds whose colours are grey or explained by class names.
        """
        return None

    # Description.

    def to_json(self) -> dict[str, Any]:
        """Returns the description of this kind for `labels.json` and prepared datasets."""
        settings = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }
        return {'kind': self.name, **settings, **defining_module(type(self))}

    def same_as(self, other: 'LabelKind') -> bool:
        """Whether labels of both have the same meaning: equal kinds, and equal ordered classes."""
        return self.name == other.name and self.classes == other.classes


def defining_module(kind: type) -> dict[str, str]:
    """Returns `module` for a kind that is defined outside of this package, otherwise nothing."""
    is_ours = kind.__module__.split('.')[0] == __name__.split('.')[0]
    return {} if is_ours else {'module': kind.__module__}


def check_class_names(classes: tuple[str, ...], what: str) -> None:
    """Raises a UserError unless there are 2 to 255 distinct class names."""
    if not isinstance(classes, tuple) or not all(isinstance(n, str) and n for n in classes):
        raise UserError(
            f'{what} has the classes {classes!r:.60}; they must be a list of names, such as '
            '["background", "weed"]'
        )
    if not 2 <= len(classes) <= MAX_CLASSES:
        raise UserError(f'{what} names {len(classes)} classes; allowed are 2 to {MAX_CLASSES}')
    same = [unicodedata.normalize('NFC', name) for name in classes]
    if repeated := [name for name in same if same.count(name) > 1]:
        raise UserError(f'{what} names the class {repeated[0]!r} twice; class names must differ')
