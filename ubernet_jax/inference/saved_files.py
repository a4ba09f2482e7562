"""The files of a saved prediction: which they are, and how they replace those of an earlier one.

The text chunk `ubernet_jax` of `sheet.png` lists the files that were written with it, so that no
other file of the folder is ever removed.
"""

import contextlib
import dataclasses
import json
import pathlib
import zipfile
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from PIL import Image, PngImagePlugin

from ubernet_jax.writing import new_files

SHEET = 'sheet.png'
_KEY = 'ubernet_jax'


@dataclasses.dataclass(slots=True)
class SavedFiles:
    """The files of a saved prediction.

    Attributes:
      folder: where they are.
      written: their paths, sorted by name.
      removed: the files of an earlier prediction that were not replaced, and were removed.
    """

    folder: pathlib.Path
    written: list[pathlib.Path] = dataclasses.field(default_factory=list)
    removed: list[pathlib.Path] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        megabytes = sum(path.stat().st_size for path in self.written) / 1e6
        text = f'{self.folder}: {_names(self.written)} ({megabytes:.1f} MB)'
        if self.removed:
            text += f'; removed files of an earlier prediction: {_names(self.removed)}'
        return text

    __repr__ = __str__


@contextlib.contextmanager
def replaced(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, SavedFiles]]:
    """Replaces the files of the saved prediction in a folder.

    Yields:
      A new folder, whose files are moved to `folder` at the end; and what lists the files then.
      Files are moved and removed only if the new files were written without an error.
    """
    saved = SavedFiles(folder)
    with new_files(folder) as new:
        yield new, saved
        names = sorted(path.name for path in new.iterdir())
        earlier = [folder / name for name in _earlier_files(folder) if name not in names]
    saved.written += [folder / name for name in names]
    for path in earlier:
        if path.is_file():
            path.unlink()
            saved.removed.append(path)


def list_files(folder: pathlib.Path) -> PngImagePlugin.PngInfo:
    """Returns the text chunk for `sheet.png` that lists the files of a folder."""
    names = sorted(path.name for path in folder.iterdir())
    info = PngImagePlugin.PngInfo()
    info.add_text(_KEY, json.dumps(names))
    return info


def write_arrays(path: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes an `.npz` file with arrays of any names.

    `np.savez` takes the names as keywords, which fails for `file` and `allow_pickle`. The file is
    not compressed: deflating the maps of a large photograph takes minutes.
    """
    with zipfile.ZipFile(path, 'w') as archive:
        for name, array in arrays.items():
            with archive.open(f'{name}.npy', 'w', force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def _names(paths: Iterable[pathlib.Path]) -> str:
    return ', '.join(path.name for path in paths)


def _earlier_files(folder: pathlib.Path) -> list[str]:
    """The names in the list of `sheet.png`; empty if it has none, or is not such a picture."""
    try:
        with Image.open(folder / SHEET, formats=('PNG',)) as sheet:
            names = json.loads(sheet.info.get(_KEY, '[]'))
    except Exception:  # decoders raise exceptions of any type on a damaged file
        return []
    if not isinstance(names, list):
        return []
    # The list of a foreign file must not reach other folders.
    return [name for name in names if isinstance(name, str) and pathlib.Path(name).name == name]
