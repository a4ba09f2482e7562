"""Anybody's images and labels, in the folder layout that data/README.md describes."""

import pathlib

import tensorflow_datasets as tfds

from ubernet_jax.datasets.builder import Builder
from ubernet_jax.datasets.files import read_image, read_label
from ubernet_jax.errors import UserError
from ubernet_jax.structs import Example
from ubernet_jax.tasks import TASKS, VOID, LabelKind, Task, with_classes

_IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png')
_LABEL_SUFFIXES = {task: ('.png', '.npy') if task == 'normals' else ('.png',) for task in TASKS}
_IGNORED = ('images', 'boxes')


class Folder(Builder):
    """`SPLIT/images/ID.jpg|png` and `SPLIT/TASK/ID.png`; a missing label file is a missing label.

    The builder config's name is the folder's: `folder/kitchen` is read from `kitchen`. Where a task
    has classes of its own, `TASK.txt` beside the splits names them, one a line, background first.
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
        self._tasks = {name: _with_own_classes(task, source) for name, task in TASKS.items()}
        return {
            images.parent.name: _list_items(images.parent)
            for images in sorted(source.glob(self.marker))
        }

    def read(self, item: dict[str, pathlib.Path]) -> tuple[Example, bytes]:
        image, encoded_image = read_image(item['images'])
        labels = {
            task: read_label(path, self._tasks[task], image)
            for task, path in item.items()
            if task in TASKS
        }
        return Example(id=item['images'].stem, image=image, labels=labels), encoded_image


def _with_own_classes(task: Task, source: pathlib.Path) -> Task:
    names = source / f'{task.name}.txt'
    if task.label is not LabelKind.CLASSES or not names.exists():
        return task
    classes = tuple(line.strip() for line in names.read_text().splitlines() if line.strip())
    if not 2 <= len(classes) <= VOID:
        raise UserError(f'{names} names {len(classes)} classes; allowed are 2 to {VOID}')
    return with_classes(task, classes)


def _list_items(split: pathlib.Path) -> list[dict[str, pathlib.Path]]:
    """For each image of a split: 'images' -> its file, and task -> label file if there is one."""
    images = _list_files(split / 'images', _IMAGE_SUFFIXES)
    if not images:
        raise UserError(f'{split / "images"} holds no image ({", ".join(_IMAGE_SUFFIXES)})')
    items = {name: {'images': path} for name, path in images.items()}
    for folder in sorted(path for path in split.iterdir() if path.is_dir()):
        if folder.name in _IGNORED:
            continue
        if folder.name not in TASKS:
            raise UserError(
                f'{folder} is the folder of no known task; known: {", ".join(TASKS)}. '
                'Rename it, or move it elsewhere'
            )
        for name, path in _list_files(folder, _LABEL_SUFFIXES[folder.name]).items():
            if name not in items:
                raise UserError(
                    f'{path} labels no image: there is no {split / "images" / name} with '
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
