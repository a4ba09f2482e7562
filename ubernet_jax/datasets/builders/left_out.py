"""The files in a dataset's folders that a build does not read, counted by split and reason."""

import collections
import pathlib
from collections.abc import Collection, Iterator

HIDDEN = 'hidden'
NO_SPLIT = ''  # files that belong to no split
_SHOWN = 3  # files named per reason


class LeftOut:
    """Collects the files of a split that are left out."""

    def __init__(self) -> None:
        self._files: dict[str, list[pathlib.Path]] = {}

    def __iter__(self) -> Iterator[pathlib.Path]:
        return (path for files in self._files.values() for path in files)

    def add(self, path: pathlib.Path, reason: str) -> None:
        """Adds a file or folder; the reason follows its name in `describe`."""
        self._files.setdefault(reason, []).append(path)

    def describe(self) -> list[str]:
        """Describes each reason with its number of files and the first of them."""
        lines = []
        for reason, files in sorted(self._files.items()):
            ellipsis = ', ...' if len(files) > _SHOWN else ''
            # A name of other bytes than UTF-8 cannot be printed or stored.
            names = ', '.join(str(path) for path in sorted(files)[:_SHOWN])
            readable = names.encode(errors='replace').decode()
            lines.append(f'left out {len(files)}, {reason}: {readable}{ellipsis}')
        return lines


class LeftOutBySplit(collections.defaultdict[str, LeftOut]):
    """Split or `NO_SPLIT` -> files; `Builder.left_out` is filled by `Builder.list_splits`."""

    def __init__(self) -> None:
        super().__init__(LeftOut)

    def add_unlisted(self, files: Collection[pathlib.Path], source: pathlib.Path) -> None:
        """Adds the other files in the folders of the files that are read.

        Args:
          files: the files of all images and labels.
          source: folder of the dataset; the files directly in it are lists and descriptions.
        """
        known = {*files, *(path for of_split in self.values() for path in of_split)}
        for folder in {path.parent for path in files} - {source}:
            for path in folder.iterdir():
                if path not in known:
                    hidden = path.name.startswith('.')
                    reason = HIDDEN if hidden else f'in {folder.name}, but in no list'
                    self[NO_SPLIT].add(path, reason)

    def describe(self) -> list[str]:
        """Describes the files of each split, those of no split first."""
        return [
            f'{split}: {line}' if split else line
            for split, of_split in sorted(self.items())
            for line in of_split.describe()
        ]
