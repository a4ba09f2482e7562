"""Configurations as JSON: written beside every checkpoint, read back as typed dataclasses."""

import dataclasses
import enum
import typing
from typing import Any

from ubernet_jax.config import Config
from ubernet_jax.errors import UserError
from ubernet_jax.tasks import TASKS


def to_json(value: Any) -> Any:
    """A configuration (or a part of one) as plain types for `json.dump`."""
    if dataclasses.is_dataclass(value):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return value.value if isinstance(value, enum.Enum) else value


def from_json(plain: dict[str, Any]) -> Config:
    """The inverse of `to_json` for a whole configuration; a field it lacks gets its default."""
    return _build(Config, plain)


def differences(ours: Any, theirs: Any, path: str = '') -> list[str]:
    """Lines `field: OURS, not THEIRS` for every leaf in which two `to_json` results differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = dict.fromkeys([*ours, *theirs])
        return [
            line
            for key in keys
            for line in differences(ours.get(key), theirs.get(key), f'{path}.{key}'.lstrip('.'))
        ]
    return [] if ours == theirs else [f'{path}: {ours}, not {theirs}']


def check_field(path: str) -> None:
    """Checks that a configuration has the field `path`, such as `data.train[0].name`.

    Raises:
      UserError: it has not; the fields that it has there are listed.
    """
    kind: Any = Config
    for part in path.replace(']', '').replace('[', '.').split('.'):
        if dataclasses.is_dataclass(kind):
            hints = typing.get_type_hints(kind)
            if part not in hints:
                raise UserError(
                    f'--config.{path}: no field {part!r}; known ones: {", ".join(hints)}'
                )
            kind = hints[part]
        elif typing.get_origin(kind) is dict and part not in TASKS:
            raise UserError(f'--config.{path}: no task {part!r}; known ones: {", ".join(TASKS)}')
        else:
            kind = (typing.get_args(kind) or (Any,))[-1]


def _build(kind: Any, plain: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        known = {name: value for name, value in plain.items() if name in hints}
        return kind(**{name: _build(hints[name], value) for name, value in known.items()})
    if origin is dict:
        return {key: _build(arguments[1], item) for key, item in plain.items()}
    if origin is list:
        return [_build(arguments[0], item) for item in plain]
    if origin is tuple:
        kinds = arguments[:1] * len(plain) if arguments[-1] is Ellipsis else arguments
        return tuple(_build(k, item) for k, item in zip(kinds, plain, strict=True))
    return kind(plain) if isinstance(kind, enum.EnumMeta) else plain
