"""Writes a configuration as Python source, with comments."""

import dataclasses
import enum
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ubernet_jax import config as package
from ubernet_jax.config import Config

_WIDTH = 100
_INDENT = 4


class _Item(NamedTuple):
    """A part of a value: its source is `prefix`, then the source of `value`."""

    prefix: str
    path: str
    value: Any


def write_source(config: Config, comments: Mapping[str, str], description: str) -> str:
    """Returns the source of a config file.

    Args:
      config: what `get_config` of the file returns.
      comments: path of a field, such as `data.train[0]` -> a comment, which is written above it.
      description: the docstring of the file; the first line of each paragraph keeps its indent.
    """
    modules = sorted({type(task).__module__ for task in config.tasks.values()})
    imports = [f'import {name}' for name in modules if not name.startswith(_package())]
    lines = [
        '"""' + '\n\n'.join(map(_wrap, description.split('\n\n'))),
        '"""',
        '',
        *imports,
        f'from {_package()} import config as c',
        '',
        '',
        'def get_config() -> c.Config:',
        *_write(_Item('return ', '', config), comments, _INDENT, end=''),
    ]
    return '\n'.join(lines) + '\n'


def _package() -> str:
    return package.__name__.partition('.')[0]


def _wrap(paragraph: str) -> str:
    """Wraps a paragraph, but not commands, which are indented."""
    return paragraph if paragraph.startswith(' ') else textwrap.fill(paragraph, _WIDTH)


def _write(item: _Item, comments: Mapping[str, str], indent: int, end: str = ',') -> Iterator[str]:
    """Yields the lines of a value: in a single line if it fits and has no comment inside."""
    margin = ' ' * indent
    line = f'{margin}{item.prefix}{_inline(item.value)}{end}'
    commented = any(path.startswith((f'{item.path}.', f'{item.path}[')) for path in comments)
    opening, items, closing = _split(item)
    if not items or (len(line) <= _WIDTH and not commented and item.path):
        yield line
        return
    yield f'{margin}{item.prefix}{opening}'
    if isinstance(item.value, tuple):
        yield from _fill([f'{_inline(part.value)},' for part in items], indent + _INDENT)
        items = []
    for part in items:
        inner = ' ' * (indent + _INDENT)
        if comment := comments.get(part.path):
            yield from textwrap.wrap(comment, _WIDTH, initial_indent=f'{inner}# ',
                                     subsequent_indent=f'{inner}# ')  # fmt: skip
        yield from _write(part, comments, indent + _INDENT)
    yield f'{margin}{closing}{end}'


def _fill(words: list[str], indent: int) -> Iterator[str]:
    """Yields lines with as many words as fit."""
    line = ' ' * indent + words[0]
    for word in words[1:]:
        if len(line) + 1 + len(word) > _WIDTH:
            yield line
            line = ' ' * (indent - 1)
        line += f' {word}'
    yield line


def _split(item: _Item) -> tuple[str, list[_Item], str]:
    """Returns the brackets of a value, and the parts between them; no parts for a single value."""
    value, path = item.value, item.path
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        items = [
            _Item(f'{name}=', f'{path}.{name}'.lstrip('.'), changed)
            for name, changed in _changes(value).items()
        ]
        return f'{_name(type(value))}(', items, ')'
    if isinstance(value, dict):
        return '{', [_Item(f'{k!r}: ', f'{path}.{k}', part) for k, part in value.items()], '}'
    if isinstance(value, list):
        return '[', [_Item('', f'{path}[{i}]', part) for i, part in enumerate(value)], ']'
    if isinstance(value, tuple):
        return '(', [_Item('', f'{path}[{i}]', part) for i, part in enumerate(value)], ')'
    return '', [], ''


def _inline(value: Any) -> str:
    """The source of a value in a single line."""
    opening, items, closing = _split(_Item('', '', value))
    if isinstance(value, enum.Enum):
        return f'{_name(type(value))}.{value.name}'
    if not opening:
        return repr(value)
    parts = [part.prefix + _inline(part.value) for part in items]
    comma = ',' if isinstance(value, tuple) and len(value) == 1 else ''
    return f'{opening}{", ".join(parts)}{comma}{closing}'


def _changes(value: Any) -> dict[str, Any]:
    """The fields of a dataclass whose values are not the defaults."""
    default = type(value)()
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {name: part for name, part in fields.items() if part != getattr(default, name)}


def _name(kind: type) -> str:
    """How the file refers to a class: of `ubernet_jax.config`, or of a module of the user."""
    short = kind.__name__
    return f'c.{short}' if getattr(package, short, None) is kind else f'{kind.__module__}.{short}'
