"""Anybody's images and labels, in the folder layout that data/README.md describes."""

import dataclasses
import pathlib
from collections.abc import Mapping

import tensorflow_datasets as tfds
from absl import logging

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.files import read_image, read_text
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.file_names import is_text
from ubernet_jax.json_file import read_json
from ubernet_jax.labels import KINDS, LabelKind, from_json
from ubernet_jax.labels.kind import check_class_names
from ubernet_jax.labels.standard import FOLDERS, STANDARD

DESCRIPTION = 'labels.json'  # beside the splits: kinds and classes of labels of one's own
_EXAMPLE = '{"weeds": {"kind": "class_map", "classes": ["soil", "weed"]}}'
_IMAGES = 'images'
_IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png')
_STANDARD_FOLDERS = ', '.join((*STANDARD, *FOLDERS))

# An image, and its labels: name, kind and file.
Item = tuple[pathlib.Path, list[tuple[str, LabelKind, pathlib.Path]]]


class Folder(Builder):
    """`SPLIT/images/ID.jpg|png`, and beside it a folder a label; a missing file is a missing label.

    The builder config's name is the folder's: `folder/kitchen` is read from `kitchen`. Standard
    names of labels have their kind (`labels.standard`); `labels.json` beside the splits says it of
    others, or of these another. `NAME.txt` there names the classes of a label, one a line, where
    `labels.json` does not.
    """

    name = 'folder'
    marker = '*/images'
    card = Card(tasks=tuple(STANDARD), licence='whatever yours has')

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
        described = _read_description(source / DESCRIPTION)
        splits = [images.parent for images in sorted(source.glob(self.marker))]
        folders = dict.fromkeys(
            path.name
            for split in splits
            for path in sorted(split.iterdir())
            if path.is_dir() and path.name != _IMAGES and not path.name.startswith('.')
        )
        if unused := described.keys() - folders.keys():
            raise UserError(
                f'{source / DESCRIPTION} describes {", ".join(sorted(unused))}, but no split has '
                f'a folder of that name; they have {", ".join(folders) or "none"}'
            )
        kinds = {folder: _find_kind(source, folder, described) for folder in folders}
        self.labels = {FOLDERS.get(folder, folder): kind for folder, kind in kinds.items()}
        if len(self.labels) < len(folders):
            raise UserError(
                f'{source} has two folders of one label: {", ".join(FOLDERS)} is the same as '
                f'{", ".join(FOLDERS.values())}; keep one of them'
            )
        items = {split.name: _list_items(split, kinds) for split in splits}
        if not any(labels for own in items.values() for _, labels in own):
            raise UserError(
                f'{source} labels none of its images: beside {_IMAGES}, each split may have the '
                f'folders {_STANDARD_FOLDERS}, or others that {DESCRIPTION} describes'
            )
        return items

    def read(self, item: Item) -> tuple[Example, bytes]:
        image_path, label_paths = item
        image, encoded_image = read_image(image_path)
        labels = {name: kind.read(path, image.shape[:2]) for name, kind, path in label_paths}
        return Example(id=image_path.stem, image=image, labels=labels), encoded_image


def _read_description(file: pathlib.Path) -> dict[str, LabelKind]:
    """Folder -> kind, as `labels.json` says; empty without that file."""
    if not file.is_file():
        return {}
    plain = read_json(file)
    if not isinstance(plain, dict):
        raise UserError(f'{file} must hold names of labels with their kinds: {_EXAMPLE}')
    return {name: from_json(own, f'{file}: {name!r}') for name, own in plain.items()}


def _find_kind(source: pathlib.Path, folder: str, described: Mapping[str, LabelKind]) -> LabelKind:
    """What the files in a folder of labels are."""
    name = FOLDERS.get(folder, folder)
    kind = described.get(folder, STANDARD.get(name))
    if kind is None:
        raise UserError(
            f'{source}: nothing says what the labels in the folders {folder!r} are. Write it into '
            f'{source / DESCRIPTION}, such as {{"{folder}": {{"kind": "class_map", "classes": '
            f'["background", "{folder}"]}}}}; kinds: {", ".join(sorted(KINDS))}. Folders of a '
            f'standard name need no such line: {_STANDARD_FOLDERS}'
        )
    if not kind.has_classes:
        return kind
    names = source / f'{folder}.txt'
    if names.exists():
        if folder in described and kind.classes:
            raise UserError(
                f'{names} and {source / DESCRIPTION} both name the classes of {folder}; keep one'
            )
        lines = read_text(names).splitlines()
        kind = dataclasses.replace(kind, classes=tuple(s for s in map(str.strip, lines) if s))
        check_class_names(kind.classes, str(names))
    elif folder not in described:
        logging.warning(
            '%s: neither %s nor %s names the classes of %s; they are taken to be %s',
            source,
            DESCRIPTION,
            names.name,
            folder,
            ', '.join(kind.classes),
        )
    if kind.classes == ():
        raise UserError(
            f'{source / DESCRIPTION} does not name the classes of {folder}: add "classes": [...] '
            f'there, or name them in {names}, one a line'
        )
    check_class_names(kind.classes, f'{source / DESCRIPTION}: {folder!r}')
    return kind


def _list_items(split: pathlib.Path, kinds: Mapping[str, LabelKind]) -> list[Item]:
    """Every image of a split; `kinds` are by the folders of the labels."""
    images = _list_files(split / _IMAGES, _IMAGE_SUFFIXES)
    if not images:
        raise UserError(f'{split / _IMAGES} holds no image ({", ".join(_IMAGE_SUFFIXES)})')
    items: dict[str, Item] = {name: (path, []) for name, path in images.items()}
    for folder, kind in kinds.items():
        if not (split / folder).is_dir():
            continue
        for name, path in _list_files(split / folder, kind.suffixes).items():
            if name not in items:
                raise UserError(
                    f'{path} labels no image: there is no {split / _IMAGES / name} with '
                    f'{" or ".join(_IMAGE_SUFFIXES)}'
                )
            items[name][1].append((FOLDERS.get(folder, folder), kind, path))
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
