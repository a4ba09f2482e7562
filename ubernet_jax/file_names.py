"""Names of files, which a file system takes as any bytes."""

import pathlib


def is_text(path: pathlib.PurePath) -> bool:
    """Whether it is UTF-8; Python reads other bytes as lone surrogates, which nothing encodes."""
    return str(path).encode(errors='replace').decode() == str(path)
