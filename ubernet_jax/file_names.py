"""File names, which may be any bytes for a file system."""

import pathlib


def is_text(path: pathlib.PurePath) -> bool:
    """Whether a path is UTF-8; Python reads other bytes as surrogates, which cannot be encoded."""
    return str(path).encode(errors='replace').decode() == str(path)
