"""Lists the files of each image in a folder. The file's stem is the image's name.

Hidden files are not used.
"""

import pathlib
from collections.abc import Collection, Iterable, Sequence

from ubernet_jax.errors import UserError
from ubernet_jax.labels.reading import ARRAYS

MAPS = ('.png', *ARRAYS)
PREDICTIONS_FILE = 'predictions.npz'  # in the folder of each image, as `predict` writes it


def list_truths(folder: pathlib.Path, suffixes: Sequence[str]) -> dict[str, pathlib.Path]:
    """Lists the ground truth: name of the image -> file.

    Raises:
      UserError: the folder does not exist or has no ground truth, two files belong to the same
        image, or the suffix of an image's only file is in upper case.
    """
    files, ignored = _list_files(folder, suffixes)
    for path in ignored:
        if path.suffix.lower() in suffixes and path.stem not in files:
            raise _suffix_error(path, suffixes)
    if not files:
        raise UserError(f'{folder} contains no ground truth: no file ends in {", ".join(suffixes)}')
    return files


def list_predictions(folder: pathlib.Path, names: Collection[str]) -> dict[str, pathlib.Path]:
    """Lists the predicted maps: name of the image -> file.

    The file is `NAME.png` or another map, or `PREDICTIONS_FILE` in the folder NAME.

    Raises:
      UserError: the folder does not exist, two files belong to the same image, or the only file of
        an image in `names` has a suffix that is not allowed.
    """
    files, ignored = _list_files(folder, MAPS)
    for path in _visible(folder.glob(f'*/{PREDICTIONS_FILE}'), folder):
        _add(files, path.parent.name, path)
    for path in ignored:
        if path.stem in names and path.stem not in files:
            raise _suffix_error(path, MAPS)
    return files


def list_left_out(folder: pathlib.Path, used: Collection[pathlib.Path]) -> dict[str, list[str]]:
    """Lists what a folder contains besides the used files and the folders with used files.

    Returns:
      Kind of entry -> names, sorted; kinds without an entry are absent.
    """
    known = {path.relative_to(folder).parts[0] for path in used if path.is_relative_to(folder)}
    left_out: dict[str, list[str]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name not in known:
            kind = 'folders' if path.is_dir() else 'other files'
            kind = 'hidden files' if path.name.startswith('.') else kind
            left_out.setdefault(kind, []).append(path.name)
    return left_out


def _list_files(
    folder: pathlib.Path, suffixes: Sequence[str]
) -> tuple[dict[str, pathlib.Path], list[pathlib.Path]]:
    """Returns the files with one of the suffixes, by name, and a list of all other files."""
    if not folder.is_dir():
        raise UserError(f'{folder} is not a folder')
    paths = [path for path in _visible(folder.iterdir(), folder) if path.is_file()]
    files: dict[str, pathlib.Path] = {}
    for path in paths:
        if path.suffix in suffixes:
            _add(files, path.stem, path)
    return files, [path for path in paths if path.suffix not in suffixes]


def _visible(paths: Iterable[pathlib.Path], folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the paths that are not hidden, sorted."""
    return sorted(path for path in paths if path.relative_to(folder).parts[0][0] != '.')


def _add(files: dict[str, pathlib.Path], name: str, path: pathlib.Path) -> None:
    if name in files:
        raise UserError(f'{files[name]} and {path} belong to the same image: remove one of them')
    files[name] = path


def _suffix_error(path: pathlib.Path, suffixes: Sequence[str]) -> UserError:
    return UserError(
        f'{path} cannot be used: files must end in {", ".join(suffixes)}, in lower case; rename '
        'it, or save its values in one of these formats'
    )
