"""Reads pickles of arrays without running any code that they contain."""

import pathlib
import pickle
from collections.abc import Callable, Mapping
from typing import IO, Any

from ubernet_jax.errors import UserError


class ArrayUnpickler(pickle.Unpickler):
    """Unpickles built-in containers and objects of the allowed names; refuses everything else.

    Args:
      path: path of the file, for errors.
      file: file object at the start of a pickle; afterwards it is at the end of the pickle.
      allowed: (module, name) that the pickle may request -> object that it gets.
      load_persistent: maps the identity of an object outside of the pickle to the object.
    """

    def __init__(
        self,
        path: pathlib.Path,
        file: IO[bytes],
        allowed: Mapping[tuple[str, str], Any],
        load_persistent: Callable[[Any], Any] | None = None,
    ):
        super().__init__(file)
        self._path = path
        self._allowed = allowed
        self._load_persistent = load_persistent

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._allowed:
            raise UserError(f'{self._path} requests {module}.{name}: only arrays are allowed')
        return self._allowed[module, name]

    def persistent_load(self, identity: Any) -> Any:
        if self._load_persistent is None:
            raise pickle.UnpicklingError('it refers to an object outside of the pickle')
        return self._load_persistent(identity)
