"""The files in a dataset's folders that a build does not read, counted by reason."""

import pathlib

HIDDEN = 'hidden'
_SHOWN = 3  # files named per reason


class LeftOut:
    """Collects files that are left out; `Builder.left_out` is filled by `Builder.list_splits`."""

    def __init__(self) -> None:
        self._files: dict[str, list[pathlib.Path]] = {}

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
