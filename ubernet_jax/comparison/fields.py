"""Checks and formats values from JSON files that may have been written by other programs."""

import json
import math
import sys
from collections.abc import Mapping
from typing import Any

from ubernet_jax.errors import UserError

_KINDS = {
    str: 'a string', int: 'an integer', int | float | None: 'a number or null',
    dict: 'an object', list: 'a list',
}  # fmt: skip


def check_fields(plain: Any, kinds: Mapping[str, Any], what: str) -> None:
    """Raises a UserError unless parsed JSON is an object with these fields of these types.

    Args:
      plain: the parsed JSON.
      kinds: field -> type.
      what: the beginning of the error message.
    """
    if not isinstance(plain, dict):
        raise UserError(f'{what}: it must be an object, not {excerpt(plain)}')
    for name, kind in kinds.items():
        if name not in plain:
            raise UserError(f'{what}: it has no {name!r}')
        value = plain[name]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise UserError(f'{what}: its {name!r} must be {_KINDS[kind]}, not {excerpt(value)}')


def check_numbers(plain: Mapping[str, Any], what: str) -> dict[str, float]:
    """Returns the fields after checking that all are numbers in the range of float.

    Raises:
      UserError: a field is not such a number.
    """
    for name, value in plain.items():
        fits = isinstance(value, int) and abs(value) <= sys.float_info.max
        if not fits and not isinstance(value, float):
            raise UserError(f'{what}: {name!r:.50} must be a number, not {excerpt(value)}')
    return dict(plain)


def format_value(value: Any) -> str:
    """Formats a value, such as `VOC07`, `0.3`, `none` or `[100, 300]`."""
    match value:
        case None:
            return 'none'
        case str():
            return value
        case float():
            return f'{value:g}'
    return json.dumps(_rounded(value))


def excerpt(value: Any) -> str:
    """Returns the beginning of a value as JSON, for error messages."""
    return f'{json.dumps(_rounded(value)):.50}'


def _rounded(value: Any) -> Any:
    """The value with all numbers in it rounded to six significant digits."""
    match value:
        case float() if math.isfinite(value):
            return float(f'{value:g}')
        case list() | tuple():
            return [_rounded(item) for item in value]
        case dict():
            return {key: _rounded(item) for key, item in value.items()}
    return value
