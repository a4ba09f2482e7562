"""The files of a saved prediction: which they are, and how they replace those of an earlier one.

The text chunk `ubernet_jax` of `sheet.png` lists the files that were written with it, so that no
other file of the folder is ever removed.
"""

import contextlib
import json
import pathlib
import zipfile
from collections.abc import Iterator, Mapping

import numpy as np
from PIL import Image, PngImagePlugin

from ubernet_jax.writing import new_files

SHEET = 'sheet.png'
_KEY = 'ubernet_jax'


@contextlib.contextmanager
def replaced(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, list[pathlib.Path]]]:
    """Replaces the files of the saved prediction in a folder.

    Yields:
      A new folder, whose files are moved to `folder` at the end; and a list that then has the files
      of the earlier prediction that were not replaced, and were removed. Both happen only if the
      new files were written without an error.
    """
    removed = []
    with new_files(folder) as new:
        yield new, removed
        written = {path.name for path in new.iterdir()}
        earlier = [folder / name for name in _earlier_files(folder) if name not in written]
    for path in earlier:
        if path.is_file():
            path.unlink()
            removed.append(path)


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
