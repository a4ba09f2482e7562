"""Describes every setting: from the type hints, defaults, docstrings and checks of the dataclasses.

`ubernet settings` and the page of the documentation show the same list.
"""

import dataclasses
import enum
import inspect
import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ubernet_jax.config import Config, DataConfig, DatasetConfig, EvaluationConfig
from ubernet_jax.config.validation import validate
from ubernet_jax.errors import SettingError, UserError
from ubernet_jax.tasks import KINDS, Task


class Setting(NamedTuple):
    """A field of the configuration.

    Attributes:
      path: as on the command line after `--config.`, such as `data.train[0].name`; TASK stands for
        the name of a task.
      type: of its values, such as `list of float`.
      default: as on the command line, where a shell needs quotes around brackets.
      allowed: the allowed numbers, as `validate` reports them; empty if it checks none.
      options: value -> description, for the members of an enumeration.
      text: what it does.
    """

    path: str
    type: str
    default: str
    allowed: str
    options: Mapping[str, str]
    text: str


class Section(NamedTuple):
    """The settings of a dataclass.

    Attributes:
      title: the common part of the paths, and the kind of task if only that has the settings.
      text: what the settings belong to.
      settings: the fields.
    """

    title: str
    text: str
    settings: list[Setting]


def list_sections() -> list[Section]:
    """All settings, with those of every registered kind of task."""
    config = _example(next(iter(KINDS.values()))())
    kinds = [_describe_kind(kind) for kind in KINDS.values()]
    first, *others = [part.settings for part, *_ in kinds]
    common = [setting for setting in first if all(setting in other for other in others)]
    return [
        *_describe(config, config, '', _read_text(Config)),
        Section('tasks.TASK', 'The settings of every task, whatever its kind.', common),
        *(
            part._replace(settings=[s for s in part.settings if s not in common])
            for parts in kinds
            for part in parts
        ),
    ]


def _example(task: Task) -> Config:
    """A configuration in which every setting exists; only the length of the run is not valid."""
    return Config(
        tasks={'TASK': task},
        data=DataConfig(train=[DatasetConfig()]),
        evaluation=EvaluationConfig(benchmarks=[DatasetConfig()]),
    )


def _describe_kind(kind: type[Task]) -> list[Section]:
    """The settings of a kind of task, also those that all kinds have."""
    task = kind()
    parts = _describe(_example(task), task, 'tasks.TASK', _read_text(kind))
    return [part._replace(title=f'{part.title} ({kind.__name__})') for part in parts]


def _describe(config: Config, owner: Any, path: str, text: str) -> Iterator[Section]:
    """The fields of a part of a configuration, and then those of the dataclasses in it."""
    texts, types_ = _read_attributes(type(owner)), typing.get_type_hints(type(owner))
    settings, parts = [], []
    for name in (field.name for field in dataclasses.fields(owner)):
        place, value = f'{path}.{name}'.lstrip('.'), getattr(owner, name)
        if value and isinstance(value, list):
            place, value = f'{place}[0]', value[0]
        if dataclasses.is_dataclass(value):
            parts.append((value, place, texts.get(name, '')))
        elif types_[name] != dict[str, Task]:  # which are described by kind
            settings.append(
                Setting(
                    path=place,
                    type=_name_type(types_[name]),
                    default=_write_default(value),
                    allowed=_find_allowed(config, owner, name, types_[name]),
                    options=_find_options(types_[name]),
                    text=texts.get(name, ''),
                )
            )
    yield Section(path or 'General', text[:1].upper() + text[1:], settings)
    for part in parts:
        yield from _describe(config, *part)


def _write_default(value: Any) -> str:
    """A value as it is typed on the command line, as a single word."""
    return str(value.value if isinstance(value, enum.Enum) else value).replace(', ', ',')


def _find_allowed(config: Config, owner: Any, name: str, kind: Any) -> str:
    """What `validate` allows for numbers: it says so when it is given negative ones."""
    negative = _make_negative(kind)
    if negative is None:
        return ''
    value = getattr(owner, name)
    setattr(owner, name, negative)
    try:
        validate(dataclasses.replace(config, steps=config.steps or 1))
    except SettingError as error:
        return error.allowed
    except UserError:  # a plugin may describe its allowed values in another form
        return ''
    finally:
        setattr(owner, name, value)
    return ''


def _make_negative(kind: Any) -> Any:
    """A value of a type with all numbers -1, which no setting allows; None for other types."""
    if isinstance(kind, types.UnionType):
        return _make_negative(typing.get_args(kind)[0])
    if typing.get_origin(kind) in (list, tuple):
        parts = [_make_negative(part) for part in typing.get_args(kind) if part is not Ellipsis]
        return None if None in parts else tuple(parts)
    return kind(-1) if kind in (int, float) else None


def _find_options(kind: Any) -> dict[str, str]:
    """Value -> description of the members of an enumeration; empty for other types."""
    if not (isinstance(kind, type) and issubclass(kind, enum.Enum)):
        return {}
    texts = _read_attributes(kind)
    return {member.value: texts.get(member.name, '') for member in kind}


def _name_type(kind: Any) -> str:
    """A type in the words of the documentation."""
    arguments = typing.get_args(kind)
    if isinstance(kind, types.UnionType):
        return ' or '.join(_name_type(part) for part in arguments)
    if typing.get_origin(kind) is dict:
        return 'dict'
    if Ellipsis in arguments or typing.get_origin(kind) is list:
        return f'list of {_name_type(arguments[0])}'
    if arguments:
        return f'({", ".join(_name_type(part) for part in arguments)})'
    if kind is types.NoneType:
        return 'None'
    return 'one of' if issubclass(kind, enum.Enum) else kind.__name__


def _read_text(described: type) -> str:
    """The docstring of a class, without its section Attributes."""
    return inspect.cleandoc(described.__doc__ or '').partition('\n\nAttributes:')[0]


def _read_attributes(described: type) -> dict[str, str]:
    """The texts in the section Attributes of a class and of its bases, by attribute."""
    texts = {}
    for part in reversed(described.__mro__):
        section = inspect.cleandoc(part.__doc__ or '').partition('\nAttributes:\n')[2]
        for name, text in re.findall(r'^  (\w+): (.+(?:\n    .+)*)', section, re.MULTILINE):
            texts[name] = ' '.join(text.split())
    return texts
