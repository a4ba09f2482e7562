"""User datasets of images and labels, in the folder layout described in data/README.md."""

import dataclasses
import pathlib
from collections.abc import Mapping

import tensorflow_datasets as tfds
from absl import logging

from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.card import Card
from ubernet_jax.datasets.builders.files import (
    IMAGE_SUFFIXES,
    image_id,
    list_visible,
    read_image,
)
from ubernet_jax.datasets.builders.folder_contents import (
    DESCRIPTION,
    IMAGES,
    check_contents,
    require_splits,
)
from ubernet_jax.datasets.builders.left_out import LeftOut
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.file_names import is_text
from ubernet_jax.json_file import read_json
from ubernet_jax.labels import KINDS, LabelKind, from_json
from ubernet_jax.labels.kind import check_class_names
from ubernet_jax.labels.standard import FOLDERS, STANDARD
from ubernet_jax.labels.text_lists import read_names
from ubernet_jax.photographs import Exif

_EXAMPLE = '{"weeds": {"kind": "class_map", "classes": ["soil", "weed"]}}'
_STANDARD_FOLDERS = ', '.join((*STANDARD, *FOLDERS))

# Image file, and for each label: name, kind and file.
Item = tuple[pathlib.Path, list[tuple[str, LabelKind, pathlib.Path]]]


class Folder(Builder):
    """Reads `SPLIT/images/ID.jpg|png`, and beside `images` a folder per label.

    A missing label file means that the image lacks the label. The name of the builder config is
    that of the folder: `folder/kitchen` is read from `kitchen`. Labels with a standard name have a
    default kind (`labels.standard`); `labels.json` beside the splits defines the kinds of other
    labels, or overrides the default. `NAME.txt` beside the splits names the classes of a label, one
    per line, if `labels.json` does not.
    """

    name = 'folder'
    marker = '*/images'
    card = Card(tasks=tuple(STANDARD), licence='whatever yours has')

    @classmethod
    def get_builder_config(
        cls, name: str, version: str | tfds.core.Version | None = None
    ) -> tfds.core.BuilderConfig:
        """Accepts the name of any folder as a builder config."""
        return tfds.core.BuilderConfig(name=name)

    @property
    def folder_name(self) -> str:
        """NAME of `folder/NAME`."""
        config = self.builder_config
        assert config is not None  # `make_builder` always sets it
        return config.name

    @property
    def folders(self) -> tuple[str, ...]:
        return f'folder/{self.folder_name}', self.folder_name, ''

    def locate(self, root: pathlib.Path | None) -> pathlib.Path:
        """As for every dataset, but the folder must have the name of the dataset."""
        name = self.folder_name
        if root is not None:
            for folder in self.folders:
                if folder or root.resolve().name == name:
                    require_splits(root / folder)
        source = super().locate(root)
        if source == root and source.resolve().name != name:
            raise UserError(
                f'--source {root} has no folder {name} and is not named {name}: folder/NAME is '
                'read from the folder NAME'
            )
        return source

    def list_splits(self, source: pathlib.Path) -> dict[str, list[Item]]:
        described = _read_description(source / DESCRIPTION)
        visible = list_visible(source, LeftOut())  # hidden ones are added by `check_contents`
        splits = [path for path in visible if (path / IMAGES).is_dir()]
        folders = dict.fromkeys(
            path.name
            for split in splits
            for path in list_visible(split, LeftOut())
            if path.is_dir() and path.name != IMAGES
        )
        if unused := described.keys() - folders.keys():
            raise UserError(
                f'{source / DESCRIPTION} describes {", ".join(sorted(unused))}, but no split has '
                f'a folder with this name; they have {", ".join(folders) or "none"}'
            )
        kinds = {folder: _find_kind(source, folder, described) for folder in folders}
        self.labels = {FOLDERS.get(folder, folder): kind for folder, kind in kinds.items()}
        if len(self.labels) < len(folders):
            raise UserError(
                f'{source} has two folders for the same label: {", ".join(FOLDERS)} is the same as '
                f'{", ".join(FOLDERS.values())}; remove either'
            )
        check_contents(source, splits, kinds, self.left_out)
        items = {
            split.name: _list_items(split, kinds, self.left_out[split.name]) for split in splits
        }
        if not any(labels for of_split in items.values() for _, labels in of_split):
            raise UserError(
                f'{source} has no labels: beside {IMAGES}, each split may have the folders '
                f'{_STANDARD_FOLDERS}, or other folders that {DESCRIPTION} describes'
            )
        return items

    def read(self, item: Item, exif: Exif = Exif.REFUSE) -> tuple[Example, bytes]:
        image_path, label_paths = item
        if not label_paths and exif == Exif.REFUSE:
            exif = Exif.APPLY  # without labels, the image is right as it is shown
        image, encoded_image = read_image(image_path, exif)
        height, width = image.shape[:2]
        labels = {name: kind.read(path, (height, width)) for name, kind, path in label_paths}
        return Example(id=image_id(image_path), image=image, labels=labels), encoded_image


def _read_description(file: pathlib.Path) -> dict[str, LabelKind]:
    """Reads folder -> kind from `labels.json`; empty if the file does not exist."""
    if not file.is_file():
        return {}
    plain = read_json(file)
    if not isinstance(plain, dict):
        raise UserError(f'{file} must map names of labels to their kinds, such as {_EXAMPLE}')
    return {name: from_json(kind, f'{file}: {name!r}') for name, kind in plain.items()}


def _find_kind(source: pathlib.Path, folder: str, described: Mapping[str, LabelKind]) -> LabelKind:
    """Returns the kind of the labels in a folder."""
    name = FOLDERS.get(folder, folder)
    kind = described.get(folder, STANDARD.get(name))
    if kind is None:
        similar = [known for known in (*STANDARD, *FOLDERS, IMAGES) if known == folder.lower()]
        hint = f'If it means {similar[0]!r}, rename it to lower case. ' if similar else ''
        raise UserError(
            f'{source}: the kind of the labels in the folders {folder!r} is unknown. {hint}'
            f'Describe it in {source / DESCRIPTION}, such as {{"{folder}": {{"kind": "class_map", '
            f'"classes": ["background", "{folder}"]}}}}; kinds: {", ".join(sorted(KINDS))}. '
            f'Folders with a standard name need no description: {_STANDARD_FOLDERS}'
        )
    if not kind.has_classes:
        return kind
    names = source / f'{folder}.txt'
    if names.exists():
        if folder in described and kind.classes:
            raise UserError(
                f'{names} and {source / DESCRIPTION} both name the classes of {folder}; remove '
                'either'
            )
        kind = dataclasses.replace(kind, classes=tuple(read_names(names)))
        check_class_names(kind.classes, str(names))
    elif folder not in described:
        logging.warning(
            '%s: neither %s nor %s names the classes of %s; the default is used: %s',
            source,
            DESCRIPTION,
            names.name,
            folder,
            ', '.join(kind.classes),
        )
    if kind.classes == ():
        raise UserError(
            f'{source / DESCRIPTION} does not name the classes of {folder}: add "classes": [...] '
            f'there, or name them in {names}, one per line'
        )
    check_class_names(kind.classes, f'{source / DESCRIPTION}: {folder!r}')
    return kind


def _list_items(
    split: pathlib.Path, kinds: Mapping[str, LabelKind], left_out: LeftOut
) -> list[Item]:
    """Lists the images of a split; `kinds` maps label folders to kinds."""
    images = _list_files(split / IMAGES, IMAGE_SUFFIXES, left_out)
    if not images:
        raise UserError(f'{split / IMAGES} holds no image ({", ".join(IMAGE_SUFFIXES)})')
    items: dict[str, Item] = {name: (path, []) for name, path in images.items()}
    for folder, kind in kinds.items():
        if not (split / folder).is_dir():
            continue
        for name, path in _list_files(split / folder, kind.suffixes, left_out).items():
            if name not in items:
                raise UserError(
                    f'{path} has no image: there is no {split / IMAGES / name} with '
                    f'{" or ".join(IMAGE_SUFFIXES)}'
                )
            items[name][1].append((FOLDERS.get(folder, folder), kind, path))
    return [items[name] for name in sorted(items)]


def _list_files(
    folder: pathlib.Path, suffixes: tuple[str, ...], left_out: LeftOut
) -> dict[str, pathlib.Path]:
    """Maps ids to files; only hidden files may be left out."""
    files: dict[str, pathlib.Path] = {}
    for path in list_visible(folder, left_out):
        if path.suffix.lower() not in suffixes:
            raise UserError(f'{path}: only {", ".join(suffixes)} files belong in {folder.name}')
        if not is_text(path):
            raise UserError(f'{str(path)!r}: the file name is not valid text; rename the file')
        name = image_id(path)
        if name in files:
            raise UserError(f'{path} and {files[name].name} have the same id; rename either')
        files[name] = path
    return files
