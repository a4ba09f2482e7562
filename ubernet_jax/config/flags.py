"""Configurations from the command line: `--config FILE.py[:VARIANT] --config.FIELD=VALUE`."""

import dataclasses
import importlib.machinery
import importlib.util
import pathlib
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from absl import flags

from ubernet_jax import config
from ubernet_jax.config import Config
from ubernet_jax.config.serialization import check_field, from_json, to_json
from ubernet_jax.errors import UserError

_PACKAGE = str(pathlib.Path(__file__).parents[1])
_OVERRIDE = re.compile(r'--?(?:no)?config\.([^=]*)')
_LENGTHS = ('steps', 'epochs', 'images')


def load_config(name: str) -> Config:
    """The configuration of a file, as `--config` of the training names it: `FILE.py[:VARIANT]`.

    Raises:
      UserError: there is no such file, or it is not one of a configuration.
    """
    return check_config(_run_config_file(name))


def check_config(loaded: Any) -> Config:
    """What `get_config` of a config file returned, if it is a configuration.

    Raises:
      UserError: it is something else, or a value is not of its field's type.
    """
    if not isinstance(loaded, Config):
        raise UserError(
            f'get_config() of the config file returned a {type(loaded).__name__}; '
            'it must return an ubernet_jax.config.Config'
        )
    # Through JSON, because a config file or a flag may put anything into a field.
    return from_json(to_json(loaded))


def parse_flags(arguments: list[str], values: flags.FlagValues = flags.FLAGS) -> list[str]:
    """Absl's flag parser, with mistakes as `UserError`; returns what is not a flag.

    ml_collections, which defines the flag `config`, sets the fields.
    """
    overridden = [match[1] for match in map(_OVERRIDE.match, arguments) if match]
    values['config'].parser = _Parser(overridden)
    try:
        return values(arguments)
    except (flags.Error, ValueError) as error:
        raise UserError(str(error)) from error


class _Parser(flags.ArgumentParser):
    """Loads a config file, and makes it ready for the flags `--config.FIELD` that follow."""

    def __init__(self, overridden: Sequence[str]):
        self._overridden = overridden

    def parse(self, name: str) -> Config:
        """Checks what is overridden; a length of the run that is given replaces the file's."""
        config = load_config(name)
        for field in self._overridden:
            check_field(field, config)
        if any(name in self._overridden for name in _LENGTHS):
            config = dataclasses.replace(config, **dict.fromkeys(_LENGTHS))
        return config


def _run_config_file(name: str) -> Any:
    """What `get_config` of a file returns, given what stands behind the colon, if anything."""
    file, colon, variant = name.partition(':')
    if not pathlib.Path(file).is_file():
        raise UserError(f'--config: there is no file {file}; name one such as configs/mini.py')
    loader = importlib.machinery.SourceFileLoader('config_file', file)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.modules[loader.name] = module  # where dataclasses look for the types of their fields
    try:
        loader.exec_module(module)
        return module.get_config(*([variant] if colon else []))
    except UserError:  # of a config file that explains itself
        raise
    except Exception as error:  # it is a program of the user's: it may raise anything
        raise _unusable(error) from error


def _unusable(error: BaseException) -> UserError:
    """Says where a config file failed, and which fields there are where it named another."""
    places = [
        f' ({frame.filename}:{frame.lineno})'
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((sys.prefix, sys.base_prefix, _PACKAGE))
    ]
    text = (
        f'the config file cannot be used: {type(error).__name__}: {error}{"".join(places[-1:])}. '
    )
    for settings in vars(config).values():
        if not dataclasses.is_dataclass(settings):
            continue
        own = settings.__name__
        if re.search(rf"\b{own}\.__init__\(\)|'{own}' object", str(error)):
            names = ', '.join(field.name for field in dataclasses.fields(settings))
            return UserError(f'{text}{own} has {names}')
    return UserError(
        f'{text}It must define get_config(), which returns an ubernet_jax.config.Config; '
        'configs/mini.py is an example'
    )
