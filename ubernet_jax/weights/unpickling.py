"""Pickles of arrays, read without running what else they may hold."""

import pathlib
import pickle
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from ubernet_jax.errors import UserError


class ArrayUnpickler(pickle.Unpickler):
    """Unpickles what is made of built-in containers and the allowed names, and nothing else.

    Args:
      path: of the file, for errors.
      file: positioned at a pickle; left behind its end.
      allowed: (module, name) that the pickle may ask for -> what it gets.
      load_persistent: what stands for an object that the pickle keeps elsewhere.
    """

    def __init__(
        self,
        path: pathlib.Path,
        file: BinaryIO,
        allowed: Mapping[tuple[str, str], Any],
        load_persistent: Callable[[Any], Any] | None = None,
    ):
        super().__init__(file)
        self._path = path
        self._allowed = allowed
        self._load_persistent = load_persistent

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._allowed:
            raise UserError(f'{self._path} asks for {module}.{name}: only arrays are allowed')
        return self._allowed[module, name]

    def persistent_load(self, identity: Any) -> Any:
        if self._load_persistent is None:
            raise pickle.UnpicklingError('it refers to an object outside of the pickle')
        return self._load_persistent(identity)
