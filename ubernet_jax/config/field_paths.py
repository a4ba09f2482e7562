"""Paths of the fields of a configuration, such as `data.train[0].repeat`: which exist."""

import dataclasses
import difflib
from collections.abc import Iterator
from typing import Any

from ubernet_jax.config import Config
from ubernet_jax.errors import UserError

SETTINGS_PAGE = 'ubernet settings'  # the command that shows all settings

_SIMILAR = 3  # paths that a message suggests


def check_field(path: str, config: Config) -> None:
    """Checks that `path`, such as `data.train[0].name`, is a single value of a configuration.

    Raises:
      UserError: it is not; the message suggests similar paths, and lists the fields that exist.
    """
    value, place = config, 'the configuration'
    for part in path.replace(']', '').replace('[', '.').split('.'):
        inside = _parts(value)
        if inside is None or part not in inside:
            raise UserError(
                f'--config.{path}: {place} has no {part!r}{_suggest(path, config)} {place} has '
                f'{_list_parts(value)}. All settings: {SETTINGS_PAGE}'
            )
        place = part if value is config else f'{place}.{part}'
        value = inside[part]
    inside = _parts(value)
    if inside is not None:
        raise UserError(
            f'--config.{path}: {place} is not a single value; it has {_list_parts(value)}'
        )


def _suggest(path: str, config: Config) -> str:
    """Asks for the existing paths that are spelt most alike, or end with the same field."""
    paths = list(_list_paths(config, ''))
    similar = difflib.get_close_matches(path, paths, _SIMILAR)
    field = path.rpartition('.')[2]
    similar += [other for other in paths if other.rpartition('.')[2] == field]
    options = [f'--config.{other}' for other in dict.fromkeys(similar)][:_SIMILAR]
    return f'; did you mean {" or ".join(options)}?' if options else ';'


def _list_paths(value: Any, path: str) -> Iterator[str]:
    """All paths to single values, from a value that has this path."""
    inside = _parts(value)
    if inside is None:
        yield path
        return
    for name, item in inside.items():
        step = f'[{name}]' if isinstance(value, list) else f'.{name}'
        yield from _list_paths(item, f'{path}{step}'.lstrip('.'))


def _list_parts(value: Any) -> str:
    """What is inside a value, for a message."""
    names = ', '.join(_parts(value) or ['none'])
    return f'items numbered {names}' if isinstance(value, list) and value else names


def _parts(value: Any) -> dict[str, Any] | None:
    """The fields or items inside a value, by name; None for a single value."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None
