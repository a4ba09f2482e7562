"""Configurations as JSON: stored with every checkpoint, read back as typed dataclasses."""

import dataclasses
import enum
import types
import typing
from typing import Any

import numpy as np

from ubernet_jax.config import Config
from ubernet_jax.errors import UserError
from ubernet_jax.tasks.registry import find_kind
from ubernet_jax.tasks.task import Task

# Type -> the largest absolute value: of unsigned integers of 32 bits, and of float32.
_LARGEST = {int: 2**32 - 1, float: float(np.finfo(np.float32).max)}
_TASK_KEYS = ('kind', 'module')  # besides the fields: see `Task.to_json`
# Settings that files of earlier versions have -> their value that changed nothing.
_REMOVED = {'ema': 0.0, 'warm_up': 0, 'temperature': 1.0}


def to_json(value: Any) -> Any:
    """Converts a configuration, or a part of it, to plain types for `json.dump`."""
    if dataclasses.is_dataclass(value):
        kind = value.to_json() if isinstance(value, Task) else {}
        fields = dataclasses.fields(value)
        return kind | {f.name: to_json(getattr(value, f.name)) for f in fields}
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value.value if isinstance(value, enum.Enum) else value


def from_json(plain: Any, source: str = 'config') -> Config:
    """The inverse of `to_json` for a complete configuration; absent fields get their defaults.

    Args:
      plain: the result of `to_json`, or JSON that somebody else wrote.
      source: where it comes from, for errors.

    Raises:
      UserError: a field is unknown, its value has another type, or a number is not finite or too
        large.
    """
    return _build(Config, plain, source)


def differences(ours: Any, theirs: Any, path: str = '') -> list[str]:
    """Lines `field: OURS, not THEIRS`, for every leaf in which two results of `to_json` differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = dict.fromkeys([*ours, *theirs])
        return [
            line
            for key in keys
            for line in differences(ours.get(key), theirs.get(key), f'{path}.{key}'.lstrip('.'))
        ]
    return [] if ours == theirs else [f'{path}: {ours}, not {theirs}']


def _build(kind: Any, plain: Any, path: str) -> Any:
    """Builds a value of type `kind`; `path` is its location, for errors."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:  # with None
        return None if plain is None else _build(arguments[0], plain, path)
    if dataclasses.is_dataclass(kind):
        _require(isinstance(plain, dict), path, plain, 'fields with values')
        written_with = _TASK_KEYS if kind is Task else ()
        kind = find_kind(plain, path) if kind is Task else kind
        hints = typing.get_type_hints(kind)
        names = [field.name for field in dataclasses.fields(kind)]
        removed = {name for name, value in _REMOVED.items() if plain.get(name) == value}
        unknown = set(plain) - {*names, *written_with, *removed}
        if unknown:
            raise UserError(
                f'{path}.{min(unknown)} is not a field of this version; the fields are '
                f'{", ".join(names)}'
            )
        known = {name: value for name, value in plain.items() if name in names}
        return kind(**{n: _build(hints[n], value, f'{path}.{n}') for n, value in known.items()})
    if origin is dict:
        _require(isinstance(plain, dict), path, plain, 'names with values')
        return {key: _build(arguments[1], item, f'{path}.{key}') for key, item in plain.items()}
    if origin in (list, tuple):
        many = origin is list or arguments[-1] is Ellipsis
        fits = isinstance(plain, list | tuple) and (many or len(plain) == len(arguments))
        _require(fits, path, plain, 'a list of values' if many else f'{len(arguments)} values')
        kinds = arguments[:1] * len(plain) if many else arguments
        items = zip(kinds, plain, strict=True)
        return origin(_build(k, item, f'{path}[{i}]') for i, (k, item) in enumerate(items))
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        allowed = [option.value for option in kind]
        _require(plain in allowed, path, plain, f'one of {", ".join(allowed)}')
        return kind(plain)
    # An integer may stand for a float, but a bool for neither.
    fits = type(plain) is kind or (kind is float and type(plain) is int)
    _require(fits, path, plain, f'of type {kind.__name__}')
    if kind in _LARGEST:
        _require_range(path, plain, _LARGEST[kind])
    return plain


def _require_range(path: str, number: float, largest: float) -> None:
    """Refuses numbers that arrays cannot hold, such as NaN, before they reach a computation."""
    got: object = number
    if isinstance(number, int) and number.bit_length() > 1000:  # it might not be printable
        got = f'an integer of {number.bit_length()} bits'
    allowed = f'a finite number from {-largest:.10g} to {largest:.10g}'
    _require(-largest <= number <= largest, path, got, allowed)


def _require(condition: bool, path: str, got: Any, allowed: str) -> None:
    if not condition:
        raise UserError(f'{path} is {got!r:.50}, but must be {allowed}')
