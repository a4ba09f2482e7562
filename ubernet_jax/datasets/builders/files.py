"""Reading the files of raw datasets; errors in a file are `UserError`s that name it."""

import pathlib
import unicodedata
from collections.abc import Collection, Sequence

import numpy as np

from ubernet_jax.datasets.builders.left_out import HIDDEN, LeftOut
from ubernet_jax.datasets.storage.records import decode_image, encode_image
from ubernet_jax.errors import UserError
from ubernet_jax.labels.text_lists import read_text
from ubernet_jax.photographs import Exif, read_labelled

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png')


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


def check_exist(paths: Sequence[pathlib.Path], named_by: pathlib.Path | None = None) -> None:
    """Raises a UserError that names the first missing file, if any."""
    missing = [path for path in paths if not is_file(path)]
    if missing:
        origin = f', which {named_by} names' if named_by else ''
        total = f' ({len(missing)} files are missing in total)' if len(missing) > 1 else ''
        raise UserError(
            f'there is no file {missing[0]}{origin}{total}; {_find_similar(missing[0])}'
            'unpack the dataset again, or correct the list'
        )


def is_file(path: pathlib.Path) -> bool:
    """Whether a path that a file names is a file; a name that is too long is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def _find_similar(path: pathlib.Path) -> str:
    """Returns a hint if a file or folder differs only in upper and lower case, or in the Unicode
    form of its letters; otherwise empty.
    """
    while not path.parent.is_dir() and path.parent != path:
        path = path.parent
    for entry in path.parent.iterdir():
        if entry.name != path.name and _fold(entry.name) == _fold(path.name):
            what = 'upper and lower case, or in the Unicode form (NFC or NFD) of its letters'
            return f'{entry} differs in {what}: rename it; or '
    return ''


def _fold(name: str) -> str:
    return unicodedata.normalize('NFC', name).lower()


def image_id(path: pathlib.Path) -> str:
    """Returns the id of the image that a file belongs to: its stem, in the Unicode form NFC.

    macOS writes accented letters as two characters (NFD), most other systems as one (NFC).
    """
    return unicodedata.normalize('NFC', path.stem)


def list_visible(folder: pathlib.Path, left_out: LeftOut) -> list[pathlib.Path]:
    """Lists the files and folders in a folder by name; hidden ones, such as `._a.jpg` of macOS,
    are left out.
    """
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in paths:
        if path.name.startswith('.'):
            left_out.add(path, HIDDEN)
    return [path for path in paths if not path.name.startswith('.')]


def list_by_id(
    folder: pathlib.Path,
    suffixes: Sequence[str],
    left_out: LeftOut,
    other_suffixes: Collection[str] = (),
) -> dict[str, pathlib.Path]:
    """Maps ids to the files of a folder with some suffixes, in upper or lower case.

    Args:
      folder: the folder; may be missing.
      suffixes: of the files, in lower case.
      left_out: where other files are added.
      other_suffixes: of the files in this folder that are listed separately.

    Raises:
      UserError: two files have the same id.
    """
    files: dict[str, pathlib.Path] = {}
    for path in list_visible(folder, left_out):
        suffix, name = path.suffix.lower(), image_id(path)
        if suffix in other_suffixes:
            continue
        if suffix not in suffixes:
            left_out.add(path, f'not {" or ".join(suffixes)}')
        elif name in files:
            raise UserError(f'{files[name]} and {path.name} have the same id; remove either')
        else:
            files[name] = path
    return files


def list_images(
    folder: pathlib.Path,
    left_out: LeftOut,
    suffixes: Sequence[str] = IMAGE_SUFFIXES,
    other_suffixes: Collection[str] = (),
) -> list[pathlib.Path]:
    """Lists the images of a folder by name; the arguments are those of `list_by_id`.

    Raises:
      UserError: there is none, or two have the same id.
    """
    images = list_by_id(folder, suffixes, left_out, other_suffixes)
    if not images:
        expected = ', '.join(suffixes)
        raise UserError(f'{folder} holds no image ({expected}); unpack the dataset again')
    return list(images.values())


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


def read_image(path: pathlib.Path, exif: Exif = Exif.REFUSE) -> tuple[np.ndarray, bytes]:
    """Reads an image: uint8 (H, W, 3), and the bytes of a JPEG or PNG file that stores it.

    The bytes are those of the file itself if it is JPEG or PNG and decoding it gives exactly these
    pixels; otherwise (rotated, grey, transparent, 16-bit, ...) the pixels encoded as PNG.

    Args:
      path: the file.
      exif: how an EXIF orientation is treated.

    Raises:
      UserError: the file is missing, damaged or not an image, or its EXIF orientation is refused.
    """
    image = read_labelled(path, exif)
    encoded = path.read_bytes()
    return image, encoded if _encodes(encoded, image) else encode_image(image)


def _encodes(encoded: bytes, image: np.ndarray) -> bool:
    try:
        return np.array_equal(decode_image(encoded), image)
    except OSError:  # neither JPEG nor PNG, although the picture could be read
        return False
