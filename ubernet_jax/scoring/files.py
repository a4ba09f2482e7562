"""Which files of a folder count: one an image, by its name. Hidden files are passed over."""

import pathlib
from collections.abc import Collection, Iterable, Sequence

from ubernet_jax.errors import UserError
from ubernet_jax.labels.reading import ARRAYS

MAPS = ('.png', *ARRAYS)
PREDICTED = 'predictions.npz'  # in a folder an image, as `predict` writes it


def list_truths(folder: pathlib.Path, endings: Sequence[str]) -> dict[str, pathlib.Path]:
    """Name of the image -> file of its ground truth.

    Raises:
      UserError: it is no folder, there is none, two are of one image, or one counts but for upper
        and lower case.
    """
    files, others = _list_files(folder, endings)
    for path in others:
        if path.suffix.lower() in endings and path.stem not in files:
            raise _does_not_count(path, endings)
    if not files:
        raise UserError(f'{folder} holds no ground truth: no {", ".join(endings)} file')
    return files


def list_predictions(folder: pathlib.Path, names: Collection[str]) -> dict[str, pathlib.Path]:
    """Name of the image -> the map predicted of it, in `NAME.png` or the like, or in `PREDICTED`.

    Raises:
      UserError: it is no folder, two files are of one image, or the only one of an image of `names`
        has an ending that does not count.
    """
    files, others = _list_files(folder, MAPS)
    for path in _shown(folder.glob(f'*/{PREDICTED}'), folder):
        _add(files, path.parent.name, path)
    for path in others:
        if path.stem in names and path.stem not in files:
            raise _does_not_count(path, MAPS)
    return files


def _list_files(
    folder: pathlib.Path, endings: Sequence[str]
) -> tuple[dict[str, pathlib.Path], list[pathlib.Path]]:
    """The files with one of the endings by name, and the others."""
    if not folder.is_dir():
        raise UserError(f'{folder} is not a folder')
    paths = [path for path in _shown(folder.iterdir(), folder) if path.is_file()]
    files: dict[str, pathlib.Path] = {}
    for path in paths:
        if path.suffix in endings:
            _add(files, path.stem, path)
    return files, [path for path in paths if path.suffix not in endings]


def _shown(paths: Iterable[pathlib.Path], folder: pathlib.Path) -> list[pathlib.Path]:
    """Those that are not hidden, sorted."""
    return sorted(path for path in paths if path.relative_to(folder).parts[0][0] != '.')


def _add(files: dict[str, pathlib.Path], name: str, path: pathlib.Path) -> None:
    if name in files:
        raise UserError(f'{files[name]} and {path} are of one image: keep one of them')
    files[name] = path


def _does_not_count(path: pathlib.Path, endings: Sequence[str]) -> UserError:
    return UserError(
        f'{path} does not count: files must end in {", ".join(endings)}, in lower case; rename it, '
        'or save its values as one of these'
    )
