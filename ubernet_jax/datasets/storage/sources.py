"""The source files of a dataset: listing them, checking access, and detecting changes."""

import functools
import hashlib
import os
import pathlib
from collections.abc import Collection
from typing import Any

import jax

from ubernet_jax.errors import UserError


def list_files(items: Any) -> list[pathlib.Path]:
    """Lists all paths in items of `Builder.list_splits`."""
    return [leaf for leaf in jax.tree.leaves(items) if isinstance(leaf, pathlib.Path)]


def check_sources(files: Collection[pathlib.Path], roots: Collection[pathlib.Path]) -> None:
    """Checks, before anything is built, that the files can be read.

    Args:
      files: existing files.
      roots: the folders given by the user; symbolic links may lead into any of them.

    Raises:
      UserError: a file is not readable, or a symbolic link on its path leads elsewhere.
    """
    allowed = [root.resolve() for root in roots]
    resolve = functools.cache(pathlib.Path.resolve)  # for folders, since there are few
    for path in files:
        if not os.access(path, os.R_OK):
            raise UserError(f'{path} is not readable by this user; change its permissions (chmod)')
        target = path.resolve() if path.is_symlink() else resolve(path.parent) / path.name
        if not any(target.is_relative_to(root) for root in allowed):
            raise UserError(
                f'{path} is a symbolic link to {target}, which is not in --source; '
                'copy the target there, or give a --source that contains both'
            )


def source_digest(items: Any, *settings: object) -> str:
    """Returns a digest that changes with the items, the state of their files, and the settings."""
    files = [path.stat() for path in list_files(items)]
    states = [(file.st_size, file.st_mtime_ns) for file in files]
    return hashlib.sha256(repr((settings, items, states)).encode()).hexdigest()
