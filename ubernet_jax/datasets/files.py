"""Reading the files of raw datasets; whatever is wrong with one is a `UserError` that names it."""

import itertools
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from ubernet_jax.datasets.boxes import read_boxes
from ubernet_jax.datasets.records import decode_image, encode_image
from ubernet_jax.errors import UserError
from ubernet_jax.photographs import open_picture, read_photograph
from ubernet_jax.structs import Boxes
from ubernet_jax.tasks import VOID, LabelKind, Task

_MIN_LENGTH = 0.1  # vectors shorter than this have no direction worth the name


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


def read_label(path: pathlib.Path, task: Task, image: np.ndarray) -> np.ndarray | Boxes:
    """A task's label file, as `LabelKind` says: classes, share of annotators, directions, boxes.

    Directions are an 8-bit RGB picture, `n = rgb / 127.5 - 1` with 0, 0, 0 for "unknown", or a
    `.npy` of floats (H, W, 3).

    Raises:
      UserError: the file is broken, does not fit the image, or has a class out of range.
    """
    if task.label is LabelKind.BOXES:
        return read_boxes(path, task, image)
    if task.label is LabelKind.CLASSES:
        label = _read_picture(path, {'1', 'L', 'P'}, np.asarray).astype(np.uint8)
        check_classes(path, label, task)
    elif task.label is LabelKind.SHARE:
        label = _read_picture(
            path, {'1', 'L', 'P', 'RGB'}, lambda picture: np.asarray(picture.convert('L'))
        )
    elif path.suffix == '.npy':
        label = to_directions(_read_vectors(path))
    else:
        rgb = _read_picture(path, {'RGB'}, np.asarray)
        label = to_directions(np.where(rgb.any(axis=-1, keepdims=True), rgb / 127.5 - 1, 0))
    check_size(path, label, image)
    return label


def check_size(path: pathlib.Path, label: np.ndarray, image: np.ndarray) -> None:
    """Raises a UserError where a label (H, W, ...) has not the size of its image."""
    if label.shape[:2] != image.shape[:2]:
        raise UserError(
            f'{path}: the label has {_size(label)}, but its image has {_size(image)} (width x '
            'height); every label must have the size of its image'
        )


def check_classes(path: pathlib.Path, label: np.ndarray, task: Task) -> None:
    """Raises a UserError where a class index is neither one of the task's nor VOID."""
    found = np.unique(label)
    wrong = found[(found >= task.channels) & (found != VOID)]
    if wrong.size:
        raise UserError(
            f'{path}: class index {wrong[0]} is out of range; {task.name} allows '
            f'0 to {task.channels - 1}, and {VOID} where the class is not known'
        )


def _size(array: np.ndarray) -> str:
    return f'{array.shape[1]} x {array.shape[0]}'


def _read_picture(
    path: pathlib.Path, modes: set[str], convert: Callable[[Image.Image], np.ndarray]
) -> np.ndarray:
    with open_picture(path) as picture:
        if picture.mode in modes:
            return convert(picture)
        raise UserError(
            f'{path}: the picture is of mode {picture.mode}; '
            f'allowed for this label: {", ".join(sorted(modes))}'
        )


def read_array(path: pathlib.Path) -> np.ndarray:
    """The numbers in a `.npy` file.

    Raises:
      UserError: the file is broken, or holds something else than one array of numbers.
    """
    try:
        with path.open('rb') as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # the header is Python, so a damaged one raises nearly any type
        raise UserError(f'{path}: cannot be read as an array ({error}); save it again') from error
    if array.dtype.kind not in 'biuf':
        raise UserError(f'{path}: the array is of {array.dtype}, but must be of numbers')
    return array


def _read_vectors(path: pathlib.Path) -> np.ndarray:
    vectors = read_array(path)
    if vectors.ndim != 3 or vectors.shape[-1] != 3 or vectors.dtype.kind != 'f':
        raise UserError(
            f'{path}: got {vectors.dtype} {vectors.shape}; normals are floats (H, W, 3)'
        )
    return vectors


def to_directions(vectors: np.ndarray) -> np.ndarray:
    """Float (H, W, 3) as float32 unit vectors, zero where there is none or it is not finite."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    known = np.isfinite(length) & (length > _MIN_LENGTH)
    return np.where(known, vectors / np.where(known, length, 1), 0).astype(np.float32)
