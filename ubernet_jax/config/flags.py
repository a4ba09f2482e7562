"""Configurations from the command line: `--config FILE.py[:VARIANT] --config.FIELD=VALUE`."""

import dataclasses
import itertools
import pathlib
import sys
import traceback
from typing import Any

from absl import flags
from ml_collections import config_flags

from ubernet_jax import config
from ubernet_jax.config import Config
from ubernet_jax.config.serialization import check_field, from_json, to_json
from ubernet_jax.errors import UserError

_PACKAGE = str(pathlib.Path(__file__).parents[1])
_HIDING = 'Error whilst parsing config file'  # how ml_collections begins


def load_config(name: str) -> Config:
    """The configuration of a file, as `--config` of the training names it: `FILE.py[:VARIANT]`.

    Raises:
      UserError: there is no such file, or it is not one of a configuration.
    """
    values = flags.FlagValues()
    config_flags.DEFINE_config_file('config', flag_values=values)
    parse_flags(['', f'--config={name}'], values)
    return check_config(values['config'].value)


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
    """Absl's flag parser, with mistakes as `UserError`; returns what is not a flag."""
    for argument, following in itertools.zip_longest(arguments, arguments[1:], fillvalue=''):
        name, equals, value = argument.lstrip('-').partition('=')
        if name.startswith('config.'):
            check_field(name.removeprefix('config.'))
        if argument.startswith('-') and name == 'config':
            _check_config_file(value if equals else following)
    try:
        return values(arguments)
    except UserError:  # of a config file that explains itself
        raise
    except (flags.Error, KeyError, OSError) as error:
        message = str(error.args[0] if error.args else error)
        if _HIDING in message:  # a traceback, in two errors around the one that was raised
            raise _unusable(error.__context__.__context__) from error
        raise UserError(message) from error
    except Exception as error:  # a config file is a program of the user's: it may raise anything
        raise _unusable(error) from error


def _check_config_file(name: str) -> None:
    file, _, _ = name.partition(':')
    if not pathlib.Path(file).is_file():
        raise UserError(f'--config: there is no file {file}; name one such as configs/mini.py')


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
        if f'{own}.__init__()' in str(error) or f"'{own}' object" in str(error):
            names = ', '.join(field.name for field in dataclasses.fields(settings))
            return UserError(f'{text}{own} has {names}')
    return UserError(
        f'{text}It must define get_config(), which returns an ubernet_jax.config.Config; '
        'configs/mini.py is an example'
    )
