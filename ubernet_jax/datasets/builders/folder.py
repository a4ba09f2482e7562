"""User datasets of images and labels, in the folder layout described in data/README.md."""

import pathlib
from collections.abc import Mapping, Sequence

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
    lacks_splits,
    refuse_missing_splits,
)
from ubernet_jax.datasets.builders.folder_kinds import (
    STANDARD_FOLDERS,
    find_kinds,
    read_description,
)
from ubernet_jax.datasets.builders.left_out import LeftOut
from ubernet_jax.datasets.builders.named import NO_SPLIT, NamedBuilder
from ubernet_jax.errors import UserError
from ubernet_jax.example import Example
from ubernet_jax.file_names import is_text
from ubernet_jax.labels import LabelKind
from ubernet_jax.labels.standard import FOLDERS, STANDARD
from ubernet_jax.photographs import Exif

# Image file, and for each label: name, kind and file.
Item = tuple[pathlib.Path, list[tuple[str, LabelKind, pathlib.Path]]]


class Folder(NamedBuilder):
    """Reads `SPLIT/images/ID.jpg|png`, and beside `images` a folder per label.

    A missing label file means that the image lacks the label. The name of the builder config is
    that of the folder: `folder/kitchen` is read from `kitchen`. Labels with a standard name have a
    default kind (`labels.standard`); `labels.json` beside the splits defines the kinds of other
    labels, or overrides the default. `NAME.txt` beside the splits names the classes of a label, one
    per line, if `labels.json` does not. Images and labels without folders of splits are divided by
    `test_share`.
    """

    name = 'folder'
    marker = '*/images'
    card = Card(tasks=tuple(STANDARD), licence='whatever yours has')

    def locate(self, root: pathlib.Path | None) -> pathlib.Path:
        """As for every dataset, but the folder must have the name of the dataset."""
        name = self.folder_name
        if root is not None:
            for folder in self.folders:
                if (folder or root.resolve().name == name) and lacks_splits(root / folder):
                    if self.test_share is None:
                        refuse_missing_splits(root / folder)
                    return root / folder
        source = super().locate(root)
        if source == root and source.resolve().name != name:
            raise UserError(
                f'--source {root} has no folder {name} and is not named {name}: folder/NAME is '
                'read from the folder NAME'
            )
        return source

    def list_splits(self, source: pathlib.Path) -> dict[str, Sequence[Item]]:
        described = read_description(source / DESCRIPTION)
        visible = list_visible(source, LeftOut())  # hidden ones are added by `check_contents`
        undivided = lacks_splits(source)
        splits = [source] if undivided else [p for p in visible if (p / IMAGES).is_dir()]
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
        kinds = find_kinds(source, folders, described)
        self.labels = {FOLDERS.get(folder, folder): kind for folder, kind in kinds.items()}
        if len(self.labels) < len(folders):
            raise UserError(
                f'{source} has two folders for the same label: {", ".join(FOLDERS)} is the same as '
                f'{", ".join(FOLDERS.values())}; remove either'
            )
        check_contents(source, splits, kinds, self.left_out)
        names = [NO_SPLIT if undivided else split.name for split in splits]
        items = {
            name: _list_items(split, kinds, self.left_out[name])
            for name, split in zip(names, splits, strict=True)
        }
        if not any(labels for of_split in items.values() for _, labels in of_split):
            raise UserError(
                f'{source} has no labels: beside {IMAGES}, each split may have the folders '
                f'{STANDARD_FOLDERS}, or other folders that {DESCRIPTION} describes'
            )
        return self.divide(items, source)

    def read(self, item: Item, exif: Exif = Exif.REFUSE) -> tuple[Example, bytes]:
        image_path, label_paths = item
        if not label_paths and exif == Exif.REFUSE:
            exif = Exif.APPLY  # without labels, the image is right as it is shown
        image, encoded_image = read_image(image_path, exif)
        height, width = image.shape[:2]
        labels = {name: kind.read(path, (height, width)) for name, kind, path in label_paths}
        return Example(id=image_id(image_path), image=image, labels=labels), encoded_image


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
