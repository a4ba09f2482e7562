"""Finds weights that an installed package carries, and checks that they are the known file."""

import hashlib
import importlib.util
import pathlib

from ubernet_jax.errors import UserError


def find_package_file(
    package: str, name: str, sha256: str, missing: str, requirement: str
) -> pathlib.Path:
    """Returns the path of a file in a package, which is not imported.

    Args:
      package: its name in Python.
      name: of the file in the package.
      sha256: of the file.
      missing: the message if the package is not installed.
      requirement: the package and its version, as pip takes them.

    Raises:
      UserError: the package is not installed, or its file has another hash.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise UserError(missing)
    path = pathlib.Path(spec.submodule_search_locations[0], name)
    digest = 'missing'
    if path.is_file():
        with path.open('rb') as file:
            digest = hashlib.file_digest(file, 'sha256').hexdigest()
    if digest != sha256:
        raise UserError(
            f'{path}: the SHA-256 is {digest}, but must be {sha256}: install {requirement} again'
        )
    return path
