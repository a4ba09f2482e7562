"""Anybody's images and labels, in the folder layout that data/README.md describes."""

import pathlib
from collections.abc import Mapping

import tensorflow_datasets as tfds

from ubernet_jax.datasets.builder import Builder
from ubernet_jax.datasets.card import Card
from ubernet_jax.datasets.files import read_image, read_label, read_text
from ubernet_jax.errors import UserError
from ubernet_jax.file_names import is_text
from ubernet_jax.structs import Example
from ubernet_jax.tasks import TASKS, VOID, LabelKind, Task, with_classes

_IMAGES = 'images'
_IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png')
_LABEL_SUFFIXES = {
    LabelKind.CLASSES: ('.png',),
    LabelKind.SHARE: ('.png',),
    LabelKind.DIRECTION: ('.png', '.npy'),
    LabelKind.BOXES: ('.json',),
}
# Folder of labels -> task: the task's own name, but for boxes.
_TASKS = {'boxes' if task.label is LabelKind.BOXES else name: task for name, task in TASKS.items()}

Item = tuple[pathlib.Path, list[tuple[Task, pathlib.Path]]]  # an image, and what it is labelled for


class Folder(Builder):
    """`SPLIT/images/ID.jpg|png`, and beside it a folder a task; a missing file is a missing label.

    The builder config's name is the folder's: `folder/kitchen` is read from `kitchen`. Where a task
    has classes of its own, `TASK.txt` (`boxes.txt` for detection) beside the splits names them, one
    a line, background first.
    """

    name = 'folder'
    marker = '*/images'
    card = Card(tasks=tuple(TASKS), licence='whatever yours has')

    @classmethod
    def get_builder_config(
        cls, name: str, version: str | tfds.core.Version | None = None
    ) -> tfds.core.BuilderConfig:
        """Any folder's name is a builder config."""
        return tfds.core.BuilderConfig(name=name)

    @property
    def folders(self) -> tuple[str, ...]:
        name = self.builder_config.name
        return f'folder/{name}', name, ''

    def locate(self, root: pathlib.Path | None) -> pathlib.Path | None:
        """As of every set; but a folder of another name is not taken for it."""
        found, name = super().locate(root), self.builder_config.name
        if found == root and root.resolve().name != name:
            raise UserError(
                f'--source {root} has no folder {name}, and its own name is another: '
                'folder/NAME is read from the folder NAME'
            )
        return found

    def list_splits(self, source: pathlib.Path) -> dict[str, list[Item]]:
        tasks = {
            folder: _with_own_classes(task, source / f'{folder}.txt')
            for folder, task in _TASKS.items()
        }
        own = [task for task in tasks.values() if task != TASKS[task.name]]
        self.classes = {task.name: task.classes for task in own}
        splits = {
            images.parent.name: _list_items(images.parent, tasks)
            for images in sorted(source.glob(self.marker))
        }
        if not any(labels for items in splits.values() for _, labels in items):
            raise UserError(
                f'{source} labels none of its images: beside {_IMAGES}, each split may have the '
                f'folders {", ".join(_TASKS)}'
            )
        return splits

    def read(self, item: Item) -> tuple[Example, bytes]:
        image_path, label_paths = item
        image, encoded_image = read_image(image_path)
        labels = {task.name: read_label(path, task, image) for task, path in label_paths}
        return Example(id=image_path.stem, image=image, labels=labels), encoded_image


def _with_own_classes(task: Task, names: pathlib.Path) -> Task:
    if task.label not in (LabelKind.CLASSES, LabelKind.BOXES) or not names.exists():
        return task
    classes = tuple(line.strip() for line in read_text(names).splitlines() if line.strip())
    if not 2 <= len(classes) <= VOID:
        raise UserError(f'{names} names {len(classes)} classes; allowed are 2 to {VOID}')
    return with_classes(task, classes)


def _list_items(split: pathlib.Path, tasks: Mapping[str, Task]) -> list[Item]:
    """Every image of a split; `tasks` are by their folders."""
    images = _list_files(split / _IMAGES, _IMAGE_SUFFIXES)
    if not images:
        raise UserError(f'{split / _IMAGES} holds no image ({", ".join(_IMAGE_SUFFIXES)})')
    items: dict[str, Item] = {name: (path, []) for name, path in images.items()}
    for folder in sorted(path for path in split.iterdir() if path.is_dir()):
        if folder.name == _IMAGES:
            continue
        if folder.name not in tasks:
            raise UserError(
                f'{folder} is the folder of no known task; known: {", ".join(tasks)}. '
                'Rename it, or move it elsewhere'
            )
        task = tasks[folder.name]
        suffixes = _LABEL_SUFFIXES[task.label]
        for name, path in _list_files(folder, suffixes).items():
            if name not in items:
                raise UserError(
                    f'{path} labels no image: there is no {split / _IMAGES / name} with '
                    f'{" or ".join(_IMAGE_SUFFIXES)}'
                )
            items[name][1].append((task, path))
    return [items[name] for name in sorted(items)]


def _list_files(folder: pathlib.Path, suffixes: tuple[str, ...]) -> dict[str, pathlib.Path]:
    """ID -> file; hidden files are passed over."""
    files = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith('.'):
            continue
        if path.suffix.lower() not in suffixes:
            raise UserError(f'{path}: only {", ".join(suffixes)} files belong in {folder.name}')
        if not is_text(path):
            raise UserError(f'{str(path)!r}: its name cannot be stored as text; rename it')
        if path.stem in files:
            raise UserError(f'{path} and {files[path.stem].name} have one ID; rename one')
        files[path.stem] = path
    return files
