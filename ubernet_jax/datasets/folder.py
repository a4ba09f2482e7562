"""Anybody's images and labels, in the folder layout that data/README.md describes."""

import pathlib

import tensorflow_datasets as tfds

from ubernet_jax.datasets.builder import Builder
from ubernet_jax.datasets.files import read_image, read_label, read_text
from ubernet_jax.errors import UserError
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


class Folder(Builder):
    """`SPLIT/images/ID.jpg|png`, and beside it a folder a task; a missing file is a missing label.

    The builder config's name is the folder's: `folder/kitchen` is read from `kitchen`. Where a task
    has classes of its own, `TASK.txt` (`boxes.txt` for detection) beside the splits names them, one
    a line, background first.
    """

    name = 'folder'
    marker = '*/images'

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

    def list_splits(self, source: pathlib.Path) -> dict[str, list[dict[str, pathlib.Path]]]:
        self._tasks = {
            folder: _with_own_classes(task, source / f'{folder}.txt')
            for folder, task in _TASKS.items()
        }
        splits = {
            images.parent.name: _list_items(images.parent)
            for images in sorted(source.glob(self.marker))
        }
        if not any(len(item) > 1 for items in splits.values() for item in items):
            raise UserError(
                f'{source} labels none of its images: beside {_IMAGES}, each split may have the '
                f'folders {", ".join(_TASKS)}'
            )
        return splits

    def read(self, item: dict[str, pathlib.Path]) -> tuple[Example, bytes]:
        image, encoded_image = read_image(item[_IMAGES])
        labels = {
            self._tasks[folder].name: read_label(path, self._tasks[folder], image)
            for folder, path in item.items()
            if folder != _IMAGES
        }
        return Example(id=item[_IMAGES].stem, image=image, labels=labels), encoded_image


def _with_own_classes(task: Task, names: pathlib.Path) -> Task:
    if task.label not in (LabelKind.CLASSES, LabelKind.BOXES) or not names.exists():
        return task
    classes = tuple(line.strip() for line in read_text(names).splitlines() if line.strip())
    if not 2 <= len(classes) <= VOID:
        raise UserError(f'{names} names {len(classes)} classes; allowed are 2 to {VOID}')
    return with_classes(task, classes)


def _list_items(split: pathlib.Path) -> list[dict[str, pathlib.Path]]:
    """For each image of a split: 'images' -> its file, and folder of labels -> label file."""
    images = _list_files(split / _IMAGES, _IMAGE_SUFFIXES)
    if not images:
        raise UserError(f'{split / _IMAGES} holds no image ({", ".join(_IMAGE_SUFFIXES)})')
    items = {name: {_IMAGES: path} for name, path in images.items()}
    for folder in sorted(path for path in split.iterdir() if path.is_dir()):
        if folder.name == _IMAGES:
            continue
        if folder.name not in _TASKS:
            raise UserError(
                f'{folder} is the folder of no known task; known: {", ".join(_TASKS)}. '
                'Rename it, or move it elsewhere'
            )
        suffixes = _LABEL_SUFFIXES[_TASKS[folder.name].label]
        for name, path in _list_files(folder, suffixes).items():
            if name not in items:
                raise UserError(
                    f'{path} labels no image: there is no {split / _IMAGES / name} with '
                    f'{" or ".join(_IMAGE_SUFFIXES)}'
                )
            items[name][folder.name] = path
    return [items[name] for name in sorted(items)]


def _list_files(folder: pathlib.Path, suffixes: tuple[str, ...]) -> dict[str, pathlib.Path]:
    """ID -> file; hidden files are passed over."""
    files = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith('.'):
            continue
        if path.suffix.lower() not in suffixes:
            raise UserError(f'{path}: only {", ".join(suffixes)} files belong in {folder.name}')
        if path.stem in files:
            raise UserError(f'{path} and {files[path.stem].name} have one ID; rename one')
        files[path.stem] = path
    return files
