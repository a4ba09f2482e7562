"""Inspecting the pixels of a prepared split: whether images and labels fit each other."""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from ubernet_jax.datasets.reading import Dataset
from ubernet_jax.errors import UserError
from ubernet_jax.structs import Boxes, Example
from ubernet_jax.tasks import TASKS, VOID, LabelKind, Task


@dataclasses.dataclass(slots=True, kw_only=True)
class LabelReport:
    """One task's labels in one split.

    Attributes:
      images: that have a label.
      read: images of those whose label was looked at.
      places: pixels or boxes in the labels that were looked at; 0 where none of them can be void.
      void: of these, those that count for nothing: of no known class or direction, or difficult.
      classes: the lowest and the highest class index found, void left aside; None if there is none.
    """

    images: int
    read: int = 0
    places: int = 0
    void: int = 0
    classes: tuple[int, int] | None = None

    def add(self, kind: LabelKind, label: np.ndarray | Boxes) -> None:
        """Counts the label of one image more."""
        void = _find_void(kind, label)
        self.read += 1
        self.places += void.size
        self.void += int(void.sum())
        found = _find_classes(kind, label)
        if found.size:
            lowest, highest = self.classes or (VOID, 0)
            self.classes = min(lowest, int(found.min())), max(highest, int(found.max()))


def inspect_labels(
    dataset: Dataset,
    indices: Iterable[int],
    tasks: Mapping[str, Task],
    reports: Mapping[str, LabelReport],
) -> list[str]:
    """Reads images of a split into the reports of its tasks; returns what is wrong with them.

    Args:
      dataset: the split.
      indices: which images to read.
      tasks: those whose classes are known.
      reports: by task.
    """
    faults = []
    for index in indices:
        try:
            example = dataset[index]
        except UserError as error:
            faults.append(str(error))
            continue
        where = f'{dataset.name}:{dataset.split}, image {example.id}'
        own = list(_find_faults(example, tuple(dataset.sizes[index].tolist()), tasks))
        faults += [f'{where}: {fault}' for fault in own]
        for name, label in example.labels.items():
            reports[name].add(TASKS[name].label, label)
    return faults


def _find_faults(
    example: Example, size: tuple[int, int], tasks: Mapping[str, Task]
) -> Iterable[str]:
    again = 'prepare the set again'
    if example.image.shape != (*size, 3):
        yield f'the image has the shape {example.image.shape}, not {(*size, 3)}; {again}'
    for name, label in example.labels.items():
        if isinstance(label, Boxes):
            beyond = label.corners > np.array([*size[::-1], *size[::-1]])
            if (label.corners < 0).any() or beyond.any() or (label.areas() <= 0).any():
                yield f'a box of {name} has no area or reaches out of the image; {again}'
        elif label.shape[:2] != size:
            yield f'{name} has the size {label.shape[:2]}, not {size} as its image; {again}'
        found = _find_classes(TASKS[name].label, label)
        if name in tasks and found.size and found.max() >= tasks[name].channels:
            yield (
                f'{name} has class {found.max()}, but 0 to {tasks[name].channels - 1} are allowed, '
                f'and {VOID} where it is not known; name the classes in the config, '
                f'--config.tasks.{name}.classes, or {again}'
            )


def _find_classes(kind: LabelKind, label: np.ndarray | Boxes) -> np.ndarray:
    """The class indices of a label, without void; empty for labels without classes."""
    if isinstance(label, Boxes):
        return label.classes
    return label[label != VOID] if kind is LabelKind.CLASSES else np.zeros(0, np.uint8)


def _find_void(kind: LabelKind, label: np.ndarray | Boxes) -> np.ndarray:
    """bool, of each pixel or box: whether it counts for nothing; empty where all of them count."""
    if isinstance(label, Boxes):
        return label.difficult
    if kind is LabelKind.DIRECTION:
        return ~label.any(axis=-1)
    return label == VOID if kind is LabelKind.CLASSES else np.zeros(0, bool)
