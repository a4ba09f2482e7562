"""Reads pickles of arrays without running any code that they contain."""

import pathlib
import pickle
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any

from ubernet_jax.errors import UserError

# Opcode that fills a dictionary -> where its keys are on the stack.
_KEYS = {
    pickle.DICT: slice(0, None, 2),
    pickle.SETITEM: slice(-2, -1),
    pickle.SETITEMS: slice(0, None, 2),
}
_SETS = (pickle.EMPTY_SET, pickle.ADDITEMS, pickle.FROZENSET)


def _make_dispatch() -> dict[int, Callable[[Any], None]]:
    """The functions of the opcodes: none for sets, and those for dictionaries check their keys."""
    dispatch = dict(pickle._Unpickler.dispatch)
    for (code,) in _SETS:
        del dispatch[code]
    for (code,), keys in _KEYS.items():
        dispatch[code] = _checking_keys(dispatch[code], keys)
    return dispatch


def _checking_keys(load: Callable[[Any], None], keys: slice) -> Callable[[Any], None]:
    def load_checked(unpickler: 'ArrayUnpickler') -> None:
        check_keys(unpickler.stack[keys])
        load(unpickler)

    return load_checked


def check_keys(keys: Iterable[object]) -> None:
    """Raises an UnpicklingError unless all keys are strings."""
    types = {type(key).__name__ for key in keys} - {'str'}
    if types:
        raise pickle.UnpicklingError(f'a dictionary has keys of type {", ".join(sorted(types))}')


class ArrayUnpickler(pickle._Unpickler):
    """Unpickles built-in containers and objects of the allowed names; refuses everything else.

    This is the implementation in Python, because that in C allocates gigabytes if a pickle of ten
    bytes numbers its first object 2^30. Keys of dictionaries must be strings, and there are no
    sets: hashing tuples that share their parts takes exponential time.

    Args:
      path: path of the file, for errors.
      file: file object at the start of a pickle; afterwards it is at the end of the pickle.
      allowed: (module, name) that the pickle may request -> object that it gets.
      load_persistent: maps the identity of an object outside of the pickle to the object.
    """

    stack: list[Any]  # the values since the last mark
    dispatch = _make_dispatch()

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
