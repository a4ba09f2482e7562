"""How every entry point ends: what the user can mend is a message, not a traceback."""

import argparse
import sys
import traceback
from collections.abc import Callable

from absl import flags

from ubernet_jax.config_file import check_field
from ubernet_jax.errors import UserError

USER_ERROR = 2  # exit code, the one of wrong command lines too
_INTERRUPTED = 130  # exit code, as shells have it for Ctrl-C


def run(main: Callable[[], None]) -> None:
    """Runs an entry point; exits with code 2 and `error: ...` on stderr after a `UserError`.

    So does an `OSError`, which names its file: a full disk, a folder that is not writable.
    """
    try:
        main()
    except (UserError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        sys.exit(USER_ERROR)
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        sys.exit(_INTERRUPTED)


def positive_integer(text: str) -> int:
    """An argparse type: a whole number above 0."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number above 0')
    return int(text)


def parse_flags(arguments: list[str]) -> list[str]:
    """Absl's flag parser, with mistakes as `UserError`; returns what is not a flag."""
    for argument in arguments:
        name, _, _ = argument.lstrip('-').partition('=')
        if name.startswith('config.'):
            check_field(name.removeprefix('config.'))
    try:
        return flags.FLAGS(arguments)
    except (flags.Error, KeyError, OSError) as error:
        raise UserError(f'{error.args[0] if error.args else error}') from error
    except Exception as error:  # a config file is a program of the user's: it may raise anything
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise UserError(
            f'the config file cannot be used: {type(error).__name__}: {error} '
            f'({place.filename}:{place.lineno}). It must define get_config(), which returns an '
            'ubernet_jax.config.Config; configs/mini.py is an example'
        ) from error
