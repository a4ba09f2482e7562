"""What a kind of label is: one class that holds all that is known of it, on the host, in numpy.

A label of a dataset is described by an instance: its kind and, where there are any, the names of
its classes. Shape letters: H x W pixels.
"""

import abc
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
from PIL import Image

from ubernet_jax.errors import UserError
from ubernet_jax.visualize.palette import Colour
from ubernet_jax.visualize.style import Style

VOID = 255  # class index of a pixel without a label, in files and in memory
MAX_CLASSES = VOID

Survey = dict[str, list[int]]  # counts of some labels; those of several sets of labels add up
Window = tuple[slice, slice]  # rows and columns of an image, both ends given


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One array of a stored label.

    Attributes:
      dtype: of its elements.
      shape: None for a length that differs between images.
    """

    dtype: type[np.generic]
    shape: tuple[int | None, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the values of all labels of a set say.

    Attributes:
      errors: what can only be wrong, and what to do about it.
      notes: what is odd.
      void: share of the pixels or boxes that count for nothing; None where all count.
      values: the values found, in a few words; empty if there is nothing to say.
    """

    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    void: float | None = None
    values: str = ''


class Grid(Protocol):
    """Another grid of pixels that an image is sampled on."""

    def sample(self, picture: np.ndarray, method: Image.Resampling) -> np.ndarray:
        """A picture (H, W) on the other grid."""

    def place(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Pixels of this grid as rows and columns (2, n) of the other, maybe outside of it."""

    @property
    def factors(self) -> np.ndarray:
        """float64 (2,), by which x and y are multiplied; of a grid that is scaled only."""

    @property
    def rotation(self) -> tuple[float, float]:
        """Cosine and sine of the angle, counter-clockwise; of a grid that is rotated only."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelKind(abc.ABC):
    """A kind of label; an instance describes the labels of one name in a dataset.

    Attributes:
      name: the kind's, in `labels.json` and in prepared sets.
      suffixes: endings of its files in the folder layout.
      has_classes: whether the values are class indices, whose names must be known.
      rotates: whether its labels can be rotated; rotated images are not labelled with the others.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ('.png',)
    has_classes: ClassVar[bool] = False
    rotates: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if isinstance(getattr(self, field.name), list):  # from JSON
                object.__setattr__(self, field.name, tuple(getattr(self, field.name)))

    # Files.

    @abc.abstractmethod
    def read(self, path: Any, size: tuple[int, int] | None = None) -> Any:
        """The label in a file, of an image of `size` (height, width).

        Raises:
          UserError: the file is broken, does not fit the image, or has a value out of range.
        """

    # Records.

    @property
    @abc.abstractmethod
    def parts(self) -> Mapping[str, Part]:
        """The arrays that a record has of a label."""

    @abc.abstractmethod
    def pack(self, label: Any) -> dict[str, np.ndarray]:
        """A label as the arrays of a record."""

    @abc.abstractmethod
    def unpack(self, parts: Mapping[str, np.ndarray]) -> Any:
        """The inverse of `pack`."""

    def count(self, label: Any) -> int | None:
        """How many objects the label has; None for a kind without objects."""
        return None

    def for_training(self, label: Any) -> Any:
        """The label without what only the evaluation needs."""
        return label

    # Transforms, together with the image.

    @abc.abstractmethod
    def flip(self, label: Any, width: int) -> Any:
        """Left to right, in an image of that width."""

    @abc.abstractmethod
    def resize(self, label: Any, grid: Grid) -> Any:
        """On a grid that is scaled."""

    def rotate(self, label: Any, grid: Grid) -> Any:
        """On a grid that is rotated; of kinds whose labels `rotates`."""
        raise NotImplementedError

    @abc.abstractmethod
    def crop(self, label: Any, window: Window) -> Any:
        """Cut to a window."""

    # Values.

    @abc.abstractmethod
    def check(self, label: Any, size: tuple[int, int]) -> list[str]:
        """What is wrong with a label of an image of `size` (height, width); usually nothing."""

    def survey(self, label: Any) -> Survey:
        """Counts of the label's values, of a length that is the same for all labels."""
        return {}

    def review(self, total: Survey) -> Review:
        """What the sum of the surveys of all labels of a set says."""
        return Review()

    # Pictures.

    @abc.abstractmethod
    def draw(self, label: Any, image: np.ndarray, style: Style) -> np.ndarray:
        """uint8 (H, W, 3), RGB: a label of an image uint8 (H, W, 3), as the field draws it."""

    def legend(self, label: Any) -> dict[str, Colour]:
        """Name -> colour of the classes to be seen in `draw(label, ...)`; none for most kinds."""
        return {}

    def full_legend(self) -> dict[str, Colour]:
        """Name -> colour of all classes, whatever is to be seen."""
        return {}

    def key(self, label: Any, side: int) -> np.ndarray | None:
        """uint8 (h, w, 3), about `side` pixels high: what the colours mean where no names do."""
        return None

    # Description.

    def to_json(self) -> dict[str, Any]:
        """As `labels.json` and prepared sets describe it."""
        own = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }
        return {'kind': self.name, **own, **defining_module(type(self))}

    def same_as(self, other: 'LabelKind') -> bool:
        """Whether labels of both mean the same: their kinds, and their classes in order."""
        ours, theirs = (getattr(kind, 'classes', ()) for kind in (self, other))
        return self.name == other.name and ours == theirs


KINDS: dict[str, type[LabelKind]] = {}


def register(kind: type[LabelKind]) -> type[LabelKind]:
    """Makes a kind of label known by its name; a class decorator."""
    KINDS[kind.name] = kind
    return kind


def defining_module(kind: type) -> dict[str, str]:
    """`module`, for a kind that is defined outside of this package; else nothing."""
    inside = kind.__module__.split('.')[0] == __name__.split('.')[0]
    return {} if inside else {'module': kind.__module__}


def find_registered(kinds: Mapping[str, Callable], plain: Mapping[str, Any], what: str) -> Any:
    """The registered kind that a description in JSON names.

    Args:
      kinds: by name.
      plain: the description; nothing is imported because it names a module.
      what: the description's place, for errors.

    Raises:
      UserError: it names none, or one that is not known; where it says which module defines it,
        how to name that module.
    """
    name = plain.get('kind')
    named = isinstance(name, str)
    if named and name in kinds:
        return kinds[name]
    known = ', '.join(sorted(kinds))
    if named and isinstance(plain.get('module'), str):
        raise UserError(
            f'{what} is of kind {name!r}, which the module {plain["module"]} defines: give '
            f'--plugin {plain["module"]} (the module must be where Python finds it; known without '
            f'it: {known})'
        )
    raise UserError(f'{what} is of kind {name!r:.50}; known kinds: {known}')


def from_json(plain: Any, what: str) -> LabelKind:
    """The inverse of `LabelKind.to_json`.

    Raises:
      UserError: it describes no known kind, or has a field or a value that the kind has not;
        `what` names it.
    """
    if not isinstance(plain, Mapping):
        raise UserError(f'{what} is {plain!r:.50}; it must be such as {{"kind": "soft_mask"}}')
    kind = find_registered(KINDS, plain, what)
    settings = {name: value for name, value in plain.items() if name not in ('kind', 'module')}
    known = {field.name for field in dataclasses.fields(kind)}
    if unknown := settings.keys() - known:
        raise UserError(
            f'{what}: labels of kind {kind.name} have no {sorted(unknown)[0]!r}; they have '
            f'{", ".join(sorted(known)) or "no settings"}'
        )
    try:
        return kind(**settings)
    except UserError as error:
        raise UserError(f'{what}: {error}') from error


def add_surveys(one: Survey, other: Survey) -> Survey:
    """The survey of both sets of labels."""
    return {
        name: [a + b for a, b in zip(counts, other[name], strict=True)]
        for name, counts in one.items()
    }


def check_class_names(classes: tuple[str, ...], what: str) -> None:
    """Raises a UserError unless there are 2 to 255 names of classes, all different."""
    if not isinstance(classes, tuple) or not all(isinstance(n, str) and n for n in classes):
        raise UserError(
            f'{what} has the classes {classes!r:.60}; they must be a list of names, such as '
            '["background", "weed"]'
        )
    if not 2 <= len(classes) <= MAX_CLASSES:
        raise UserError(f'{what} names {len(classes)} classes; allowed are 2 to {MAX_CLASSES}')
    if twice := [name for name in classes if classes.count(name) > 1]:
        raise UserError(f'{what} names the class {twice[0]!r} twice; their names must differ')
