"""Configurations from the command line: `--config NAME[:VARIANT] --config.FIELD=VALUE`.

NAME is one of the configurations that are installed with the package, or a file.
"""

import dataclasses
import importlib.machinery
import importlib.util
import inspect
import pathlib
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags
from ml_collections import config_flags

from ubernet_jax import config
from ubernet_jax.config import Config
from ubernet_jax.config.field_paths import check_field
from ubernet_jax.config.serialization import from_json, to_json
from ubernet_jax.errors import UserError

_PACKAGE = pathlib.Path(__file__).parents[1]
_INSTALLED = _PACKAGE / 'configs'
_OVERRIDE = re.compile(r'--?(?:no)?config\.([^=]*)')
_LENGTHS = ('steps', 'epochs', 'images')
# What the parsers of absl say about a value of another type -> which values they take.
_TYPES = {
    'invalid literal for int': 'a whole number',
    'could not convert string to float': 'a number',
    'Non-boolean argument': 'true or false',
}


def load_config(name: str) -> Config:
    """Loads the configuration that `--config NAME[:VARIANT]` names.

    Args:
      name: of an installed configuration, such as `mini`, or of a file; `./mini` is a file.

    Raises:
      UserError: there is no such file, or it does not define a configuration.
    """
    return check_config(_run_config_file(name))


def check_config(loaded: Any) -> Config:
    """Checks what `get_config` of a config file returned.

    Raises:
      UserError: it is not a configuration, or a value does not have the type of its field.
    """
    if not isinstance(loaded, Config):
        raise UserError(
            f'get_config() of the config file returned a {type(loaded).__name__}; '
            'it must return an ubernet_jax.config.Config'
        )
    # Through JSON, because a config file or a flag may put anything into a field.
    return from_json(to_json(loaded))


def parse_flags(arguments: list[str], values: flags.FlagValues) -> list[str]:
    """Parses absl flags, with errors as `UserError`; returns the other arguments.

    ml_collections defines the flag `config` and sets its fields.
    """
    overridden = [match[1] for match in map(_OVERRIDE.match, arguments) if match]
    values['config'].parser = _Parser(overridden)
    try:
        return values(arguments)
    except (flags.Error, ValueError) as error:
        text = str(error)
        for complaint, wanted in _TYPES.items():
            text = re.sub(rf': \W*{complaint}.*', f': the value must be {wanted}', text)
        raise UserError(text) from error


def override_config(name: str, settings: Sequence[str]) -> Config:
    """Loads the configuration that `--config NAME[:VARIANT]` names, and changes its fields.

    Args:
      name: see `load_config`.
      settings: `--config.FIELD=VALUE` for each field.

    Raises:
      UserError: as for `load_config`, or a setting does not have this form.
    """
    words = ['', f'--config={name}', *settings]
    values = flags.FlagValues()
    config_flags.DEFINE_config_file('config', flag_values=values, sys_argv=words)
    _, *unknown = parse_flags(words, values)
    if unknown:
        raise UserError(f'unknown arguments {unknown}; settings are given as --config.FIELD=VALUE')
    return check_config(values['config'].value)


class _Parser(flags.ArgumentParser):
    """Loads a config file, and prepares it for the flags `--config.FIELD` that follow."""

    def __init__(self, overridden: Sequence[str]):
        self._overridden = overridden

    def parse(self, name: str) -> Config:
        """Checks the overridden fields; an overridden length of the run replaces the file's."""
        config = load_config(name)
        for field in self._overridden:
            check_field(field, config)
        if any(name in self._overridden for name in _LENGTHS):
            config = dataclasses.replace(config, **dict.fromkeys(_LENGTHS))
        return config


def _run_config_file(name: str) -> Any:
    """Calls `get_config` of a file, with the variant if a colon follows the file."""
    name, colon, variant = name.partition(':')
    file = str(_INSTALLED / f'{name}.py') if name in _list_installed() else name
    if not pathlib.Path(file).is_file():
        raise UserError(
            f'--config: there is no file {name}; give a file, or the name of an installed '
            f'configuration: {", ".join(_list_installed())}'
        )
    loader = importlib.machinery.SourceFileLoader('config_file', file)
    spec = importlib.machinery.ModuleSpec(loader.name, loader, origin=file)
    module = importlib.util.module_from_spec(spec)
    module.__file__ = file  # for paths relative to the configuration
    sys.modules[loader.name] = module  # dataclasses look up the types of their fields there
    try:
        loader.exec_module(module)
        arguments = [variant] if colon else []
        _check_variant(name, module.get_config, arguments)
        return module.get_config(*arguments)
    except UserError:  # raised by the config file, with its message
        raise
    except Exception as error:  # user code may raise anything
        raise _unusable(error) from error


def _check_variant(name: str, get_config: Callable[..., Any], arguments: list[str]) -> None:
    """Raises a UserError if `get_config` needs a variant and there is none, or the reverse."""
    try:
        inspect.signature(get_config).bind(*arguments)
    except TypeError as error:
        form = f'{name} without a variant' if arguments else f'{name}:VARIANT'
        raise UserError(
            f'--config: get_config of {name} {"takes no" if arguments else "needs a"} variant: '
            f'give --config {form}'
        ) from error


def _list_installed() -> list[str]:
    """The names of the configurations that are installed with the package."""
    return sorted(path.stem for path in _INSTALLED.glob('[!_]*.py'))


def _unusable(error: BaseException) -> UserError:
    """The error of a config file: where it failed, and the fields that it could have named."""
    locations = [
        f' ({frame.filename}:{frame.lineno})'
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((sys.prefix, sys.base_prefix, str(_PACKAGE)))
    ]
    where = ''.join(locations[-1:])
    text = f'the config file cannot be used: {type(error).__name__}: {error}{where}. '
    for name, settings in vars(config).items():
        if not dataclasses.is_dataclass(settings):
            continue
        if re.search(rf"\b{name}\.__init__\(\)|'{name}' object", str(error)):
            fields = ', '.join(field.name for field in dataclasses.fields(settings))
            return UserError(f'{text}{name} has the fields {fields}')
    return UserError(
        f'{text}It must define get_config(), which returns an ubernet_jax.config.Config; '
        f'{_INSTALLED / "mini.py"} is an example'
    )
