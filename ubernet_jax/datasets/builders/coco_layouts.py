"""Finds the annotation files of COCO's format in a folder, and the images that they name."""

import dataclasses
import pathlib
from collections.abc import Iterable

from ubernet_jax.datasets.builders.files import is_file
from ubernet_jax.datasets.builders.named import NO_SPLIT, split_name
from ubernet_jax.errors import UserError

LAYOUTS = (
    'annotations/instances_SPLIT.json with SPLIT/, images/SPLIT/ or images/ (COCO, CVAT); '
    'SPLIT/_annotations.coco.json beside the images (Roboflow); '
    'result.json or result_coco.json with images/ (Label Studio); '
    'SPLIT.json with SPLIT/ or images/'
)
_SPLITS = ('train', 'val', 'test')
_PREFIXES = ('instances_', 'annotations_')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An annotation file.

    Attributes:
      split: name of its split; `NO_SPLIT` if nothing names it.
      path: the file.
      folders: where its images may be, in order of preference.
    """

    split: str
    path: pathlib.Path
    folders: tuple[pathlib.Path, ...]


def find_parts(source: pathlib.Path) -> list[Part]:
    """Finds the annotation files in one of `LAYOUTS`; empty if there is none.

    Raises:
      UserError: the files do not say which split each is for, or two are for the same split.
    """
    patterns = 'annotations/instances_*.json', 'annotations/*.json', '*/*.json', '*.json'
    found = (sorted(p for p in source.glob(pattern) if _is_visible(p)) for pattern in patterns)
    files = next((files for files in found if files), [])
    parts = [_make_part(source, path, len(files) == 1) for path in files]
    by_split: dict[str, Part] = {}
    for part in parts:
        other = by_split.setdefault(part.split, part)
        if other is not part:
            raise UserError(
                f'{other.path} and {part.path} are both for the split {part.split}; keep one of '
                f'them in {source}, or give a folder of each split. Known layouts: {LAYOUTS}'
            )
    order = {split: number for number, split in enumerate(_SPLITS)}
    return sorted(parts, key=lambda part: (order.get(part.split, len(order)), part.split))


def find_image(name: str, part: Part) -> pathlib.Path:
    """Returns the file of an image, or where it should be if there is none.

    Folders in the name that do not exist are ignored: some tools write those of the machine where
    the images were annotated.
    """
    steps = pathlib.PurePosixPath(name.replace('\\', '/')).parts
    inner = pathlib.Path(*(step for step in steps if step not in ('/', '..')))
    for relative in dict.fromkeys((inner, pathlib.Path(inner.name))):
        for folder in part.folders:
            if is_file(folder / relative):
                return folder / relative
    return part.folders[0] / inner


def _make_part(source: pathlib.Path, path: pathlib.Path, alone: bool) -> Part:
    inner = path.parent != source and path.parent.name != 'annotations'
    raw = path.parent.name if inner else _strip(path.stem)
    split = split_name(raw)
    if alone and not inner and split not in _SPLITS:
        split = NO_SPLIT
    elif not inner and path.parent == source and split not in _SPLITS:
        raise UserError(
            f'{path} is one of several JSON files in {source}, but is not named after a split '
            f'({", ".join(_SPLITS)}); rename or remove it. Known layouts: {LAYOUTS}'
        )
    folders = (source / raw, source / 'images' / raw, source / 'images', path.parent, source)
    existing = _existing((*folders, path.parent / 'images', path.parent / raw))
    return Part(split=split, path=path, folders=existing)


def _existing(folders: Iterable[pathlib.Path]) -> tuple[pathlib.Path, ...]:
    return tuple(dict.fromkeys(folder for folder in folders if folder.is_dir()))


def _strip(stem: str) -> str:
    for prefix in _PREFIXES:
        stem = stem.removeprefix(prefix)
    return stem


def _is_visible(path: pathlib.Path) -> bool:
    return path.is_file() and not path.name.startswith('.') and not path.parent.name.startswith('.')
