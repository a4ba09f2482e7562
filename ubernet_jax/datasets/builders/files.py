"""Reading the files of raw datasets; whatever is wrong with one is a `UserError` that names it."""

import itertools
import pathlib
from collections.abc import Sequence

import numpy as np

from ubernet_jax.datasets.storage.records import decode_image, encode_image
from ubernet_jax.errors import UserError
from ubernet_jax.photographs import read_photograph


def read_list(path: pathlib.Path) -> list[str]:
    """The ids in a list file, one a line.

    Raises:
      UserError: the file is missing, names nothing, or names something twice.
    """
    check_exist([path])
    ids = read_text(path).split()
    if not ids:
        raise UserError(f'{path} lists no image; it must name one id a line')
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise UserError(f'{path} names {twice} more than once; remove one')
    return ids


def read_text(path: pathlib.Path) -> str:
    """The content of a text file.

    Raises:
      UserError: it is not UTF-8.
    """
    try:
        return path.read_text(encoding='utf-8')
    except UnicodeDecodeError as error:
        raise UserError(f'{path}: cannot be read as text ({error}); save it in UTF-8') from error


def check_exist(paths: Sequence[pathlib.Path], named_by: pathlib.Path | None = None) -> None:
    """Raises a UserError that names the first of the files that is missing."""
    missing = [path for path in paths if not path.is_file()]
    if missing:
        by = f', which {named_by} names' if named_by else ''
        more = f' ({len(missing)} files are missing in all)' if len(missing) > 1 else ''
        raise UserError(
            f'there is no file {missing[0]}{by}{more}; {_find_other_case(missing[0])}'
            'unpack the dataset again, or correct the list'
        )


def _find_other_case(path: pathlib.Path) -> str:
    """A hint, if there is such a file or folder but for upper and lower case; else empty."""
    while not path.parent.is_dir() and path.parent != path:
        path = path.parent
    for other in path.parent.iterdir():
        if other.name.lower() == path.name.lower() and other.name != path.name:
            return f'there is {other}, in other upper and lower case: rename it; or '
    return ''


def list_images(folder: pathlib.Path) -> list[pathlib.Path]:
    """The JPEG files of a folder, by name; their ending may be in upper case.

    Raises:
      UserError: there is none, or there are two of one name.
    """
    found = folder.iterdir() if folder.is_dir() else ()
    images = sorted(path for path in found if path.suffix.lower() == '.jpg')
    if not images:
        raise UserError(f'{folder} holds no .jpg; unpack the dataset again')
    for one, other in itertools.pairwise(sorted(images, key=lambda path: path.stem)):
        if one.stem == other.stem:
            raise UserError(f'{one} and {other.name} have one ID; remove one')
    return images


def list_items(
    source: pathlib.Path, names: pathlib.Path, patterns: Sequence[str]
) -> list[tuple[pathlib.Path, ...]]:
    """The files of each image that a list file names.

    Args:
      source: the set's folder.
      names: the list file, one id a line.
      patterns: where each of an image's files lies in `source`, `{}` standing for its id.

    Raises:
      UserError: the list or a file is missing.
    """
    items = [tuple(source / pattern.format(i) for pattern in patterns) for i in read_list(names)]
    check_exist([path for item in items for path in item], named_by=names)
    return items


def read_image(path: pathlib.Path) -> tuple[np.ndarray, bytes]:
    """An image and the file that stores it: uint8 (H, W, 3), and the bytes of a JPEG or PNG.

    The bytes are the file's own where plain decoding gives the very pixels that a person sees;
    otherwise (rotated, grey, transparent, 16-bit, ...) those pixels as a PNG.

    Raises:
      UserError: the file is missing, broken or not an image.
    """
    image = read_photograph(path)
    encoded = path.read_bytes()
    return image, encoded if np.array_equal(decode_image(encoded), image) else encode_image(image)
