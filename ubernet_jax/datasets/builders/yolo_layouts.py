"""Finds the images, the label files and the names of the classes of a dataset of YOLO."""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import yaml

from ubernet_jax.datasets.builders.files import IMAGE_SUFFIXES, check_exist, is_file
from ubernet_jax.datasets.builders.named import NO_SPLIT, split_name
from ubernet_jax.errors import UserError
from ubernet_jax.labels.text_lists import read_names
from ubernet_jax.metrics.file_bytes import read_bytes

LAYOUTS = (
    'data.yaml with names, train, val and test (Ultralytics, Roboflow, CVAT); '
    'classes.txt with images/ and labels/ (Label Studio), or images/SPLIT/ and labels/SPLIT/; '
    'obj.names with obj_SPLIT_data/ (CVAT, YOLO 1.1)'
)
_MAX_BYTES = 2**18  # of the YAML, whose parser is slow
_SPLITS = ('train', 'val', 'valid', 'test')
_NAMES = ('classes.txt', 'obj.names')


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class YoloFolder:
    """The files of a dataset.

    Attributes:
      named_by: the file that names the classes.
      names: of the classes, without the background.
      images: split -> image files, sorted; `NO_SPLIT` for images that nothing divides.
    """

    named_by: pathlib.Path
    names: tuple[str, ...]
    images: dict[str, list[pathlib.Path]]


def find_yolo(source: pathlib.Path) -> YoloFolder:
    """Finds the files of a dataset in one of `LAYOUTS`.

    Raises:
      UserError: the layout is not known, or a file is wrong.
    """
    files = sorted(path for path in source.glob('*.y*ml') if not path.name.startswith('.'))
    if len(files) > 1:
        raise UserError(
            f'{source} has {", ".join(path.name for path in files)}; keep only the file that '
            'names the classes and the splits'
        )
    named_by = next((source / name for name in _NAMES if (source / name).is_file()), None)
    if files:
        found = _read_yaml(files[0])
    elif named_by:
        names = tuple(read_names(named_by))
        found = YoloFolder(named_by=named_by, names=names, images=_find_folders(source))
    else:
        raise UserError(f'{source} has no names of classes. Known layouts: {LAYOUTS}')
    if not any(found.images.values()):
        raise UserError(
            f'{found.named_by} and the folders beside it name no image. Known layouts: {LAYOUTS}'
        )
    return found


def label_file(image: pathlib.Path, source: pathlib.Path) -> pathlib.Path:
    """Returns where the labels of an image are: `labels` in place of `images`, or beside it."""
    steps = list(image.relative_to(source).parts)
    if 'images' in steps[:-1]:
        last = len(steps) - 2 - steps[-2::-1].index('images')
        steps[last] = 'labels'
    return source.joinpath(*steps).with_suffix('.txt')


def _read_yaml(path: pathlib.Path) -> YoloFolder:
    try:
        content = yaml.safe_load(read_bytes(path, _MAX_BYTES))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OSError) as error:
        raise UserError(f'{path} cannot be read as YAML: {error}') from error
    if not isinstance(content, dict) or 'names' not in content:
        raise UserError(f'{path} has no "names": a list of the classes in the order of their index')
    if 'kpt_shape' in content:
        raise UserError(f'{path} has kpt_shape: key points are not read; export boxes or polygons')
    splits = {name: content[name] for name in _SPLITS if content.get(name)}
    images = {
        split_name(name): sorted(_expand(path, name, value)) for name, value in splits.items()
    }
    if not images:
        images = _find_folders(path.parent)
    return YoloFolder(named_by=path, names=_list_names(path, content['names']), images=images)


def _list_names(path: pathlib.Path, names: Any) -> tuple[str, ...]:
    if isinstance(names, dict):
        if set(names) != set(range(len(names))):
            raise UserError(
                f'{path}: the {len(names)} indices of "names" must be 0 to {len(names) - 1}, '
                'without gaps'
            )
        names = [names[index] for index in range(len(names))]
    # Values are not shown: aliases in YAML may repeat a list more often than fits into memory.
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(
            f'{path}: "names" must be a list of texts; write names such as no and 1 in quotes'
        )
    return tuple(names)


def _expand(path: pathlib.Path, name: str, value: Any) -> Iterator[pathlib.Path]:
    """Yields the images of a split: of folders, and of text files with one image per line."""
    for entry in value if isinstance(value, list) else [value]:
        if not isinstance(entry, str):
            raise UserError(
                f'{path}: "{name}" has a {type(entry).__name__}; it must be a folder or a text file'
            )
        place = _resolve(path.parent, entry)
        if _is_folder(place):
            yield from _list_images(place)
        elif is_file(place):
            images = [_resolve(path.parent, line) for line in read_names(place)]
            check_exist(images, named_by=place)
            yield from images
        else:
            raise UserError(
                f'{path}: "{name}" is {entry}, but there is neither a folder nor a file {place}; '
                'correct the line, or remove it if there are no such images'
            )


def _resolve(folder: pathlib.Path, entry: str) -> pathlib.Path:
    """Returns a path of a YAML or text file, in the folder of the YAML file.

    Leading steps that do not exist are ignored: Roboflow writes `../train/images`, CVAT
    `data/images/train`, and others the folder on the machine where the dataset was made.
    """
    steps = [step for step in pathlib.PurePosixPath(entry.replace('\\', '/')).parts if step != '..']
    for start in range(len(steps)):
        path = folder.joinpath(*steps[start:])
        if path.is_relative_to(folder) and (is_file(path) or _is_folder(path)):
            return path
    return folder.joinpath(*(step for step in steps if step != '/'))


def _is_folder(path: pathlib.Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # the name is too long
        return False


def _find_folders(source: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    """Maps splits to images in `images`, `images/SPLIT`, `SPLIT/images` or `obj_SPLIT_data`."""
    images = source / 'images'
    folders = {path.name: path for path in sorted(images.glob('[!.]*')) if path.is_dir()}
    folders |= {path.parent.name: path for path in sorted(source.glob('[!.]*/images'))}
    for path in sorted(source.glob('obj_*_data')):
        folders[path.name.removeprefix('obj_').removesuffix('_data')] = path
    if not folders:
        return {NO_SPLIT: sorted(_list_images(images))}
    return {split_name(name): sorted(_list_images(path)) for name, path in folders.items()}


def _list_images(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    for path in folder.rglob('*'):
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith('.'):
            yield path
