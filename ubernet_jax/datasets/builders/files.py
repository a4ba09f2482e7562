"""Reading the files of raw datasets; errors in a file are `UserError`s that name it."""

import itertools
import pathlib
from collections.abc import Sequence

import numpy as np

from ubernet_jax.datasets.storage.records import decode_image, encode_image
from ubernet_jax.errors import UserError
from ubernet_jax.photographs import read_photograph


def read_list(path: pathlib.Path) -> list[str]:
    """Reads the ids in a list file, one per line.

    Raises:
      UserError: the file is missing, empty, or contains an id twice.
    """
    check_exist([path])
    ids = read_text(path).split()
    if not ids:
        raise UserError(f'{path} lists no image; it must have one id per line')
    if len(set(ids)) < len(ids):
        repeated = next(name for name in ids if ids.count(name) > 1)
        raise UserError(f'{path} names {repeated} more than once; remove the duplicates')
    return ids


def read_text(path: pathlib.Path) -> str:
    """Reads a text file.

    Raises:
      UserError: the file is not UTF-8.
    """
    try:
        return path.read_text(encoding='utf-8')
    except UnicodeDecodeError as error:
        raise UserError(f'{path}: cannot be read as text ({error}); save it in UTF-8') from error


def check_exist(paths: Sequence[pathlib.Path], named_by: pathlib.Path | None = None) -> None:
    """Raises a UserError that names the first missing file, if any."""
    missing = [path for path in paths if not path.is_file()]
    if missing:
        origin = f', which {named_by} names' if named_by else ''
        total = f' ({len(missing)} files are missing in total)' if len(missing) > 1 else ''
        raise UserError(
            f'there is no file {missing[0]}{origin}{total}; {_find_other_case(missing[0])}'
            'unpack the dataset again, or correct the list'
        )


def _find_other_case(path: pathlib.Path) -> str:
    """Returns a hint if a file or folder differs only in upper and lower case; otherwise empty."""
    while not path.parent.is_dir() and path.parent != path:
        path = path.parent
    for entry in path.parent.iterdir():
        if entry.name.lower() == path.name.lower() and entry.name != path.name:
            return f'{entry} differs in upper and lower case: rename it; or '
    return ''


def list_images(folder: pathlib.Path) -> list[pathlib.Path]:
    """Lists the JPEG files of a folder by name; the suffix may be in upper case.

    Raises:
      UserError: there is none, or two have the same name.
    """
    files = folder.iterdir() if folder.is_dir() else ()
    images = sorted(path for path in files if path.suffix.lower() == '.jpg')
    if not images:
        raise UserError(f'{folder} holds no .jpg; unpack the dataset again')
    for first, second in itertools.pairwise(sorted(images, key=lambda path: path.stem)):
        if first.stem == second.stem:
            raise UserError(f'{first} and {second.name} have the same id; remove either')
    return images


def list_items(
    source: pathlib.Path, names: pathlib.Path, patterns: Sequence[str]
) -> list[tuple[pathlib.Path, ...]]:
    """Lists the files of each image in a list file.

    Args:
      source: folder of the dataset.
      names: the list file, with one id per line.
      patterns: path in `source` of each file of an image, with `{}` for the id.

    Raises:
      UserError: the list or a file is missing.
    """
    items = [tuple(source / pattern.format(i) for pattern in patterns) for i in read_list(names)]
    check_exist([path for item in items for path in item], named_by=names)
    return items


def read_image(path: pathlib.Path) -> tuple[np.ndarray, bytes]:
    """Reads an image: uint8 (H, W, 3), and the bytes of a JPEG or PNG file that stores it.

    The bytes are those of the file itself if decoding it gives exactly the pixels as they are
    displayed; otherwise (rotated, grey, transparent, 16-bit, ...) these pixels encoded as PNG.

    Raises:
      UserError: the file is missing, damaged or not an image.
    """
    image = read_photograph(path)
    encoded = path.read_bytes()
    return image, encoded if np.array_equal(decode_image(encoded), image) else encode_image(image)
