"""The files that a set is built from: which, whether they can be read, whether they changed."""

import functools
import hashlib
import os
import pathlib
from collections.abc import Collection
from typing import Any

import jax

from ubernet_jax.errors import UserError


def list_files(items: Any) -> list[pathlib.Path]:
    """Every path in some items of `Builder.list_splits`."""
    return [leaf for leaf in jax.tree.leaves(items) if isinstance(leaf, pathlib.Path)]


def check_sources(files: Collection[pathlib.Path], roots: Collection[pathlib.Path]) -> None:
    """Checks, before anything is built, that the files can be used.

    Args:
      files: they exist.
      roots: folders that the user has named; a link may lead into any of them.

    Raises:
      UserError: a file may not be read, or is a symbolic link, or below one, that leads elsewhere.
    """
    allowed = [root.resolve() for root in roots]
    resolve = functools.cache(pathlib.Path.resolve)  # of folders, which are few
    for path in files:
        if not os.access(path, os.R_OK):
            raise UserError(f'{path} may not be read by this user; change its permissions (chmod)')
        target = path.resolve() if path.is_symlink() else resolve(path.parent) / path.name
        if not any(target.is_relative_to(root) for root in allowed):
            raise UserError(
                f'{path} leads by a symbolic link to {target}, which is not in --source; '
                'copy it there, or give a --source that holds both'
            )


def source_digest(items: Any, *settings: object) -> str:
    """A text that changes when a file of the items, what they say, or a setting does."""
    files = [path.stat() for path in list_files(items)]
    states = [(file.st_size, file.st_mtime_ns) for file in files]
    return hashlib.sha256(repr((settings, items, states)).encode()).hexdigest()
