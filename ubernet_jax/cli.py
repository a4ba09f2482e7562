"""How every entry point ends: what the user can mend is a message, not a traceback."""

import argparse
import os
import sys
from collections.abc import Callable

from ubernet_jax.errors import UserError
from ubernet_jax.plugins import HELP, load_plugin

USER_ERROR = 2  # exit code, the one of wrong command lines too
_INTERRUPTED = 130  # exit code, as shells have it for Ctrl-C
_CLOSED_PIPE = 141  # and for SIGPIPE


def run(main: Callable[[], None]) -> None:
    """Runs an entry point; exits with code 2 and `error: ...` on stderr after a `UserError`.

    So does an `OSError`, which names its file: a full disk, a folder that is not writable.
    """
    try:
        main()
    except BrokenPipeError:  # who reads our output has seen enough: `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_CLOSED_PIPE)
    except (UserError, OSError) as error:
        in_the_way = isinstance(error, FileExistsError)
        text = f'{error.filename} is a file; a folder is needed there' if in_the_way else error
        print(f'error: {text}', file=sys.stderr)
        sys.exit(USER_ERROR)
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        sys.exit(_INTERRUPTED)


def make_parser(name: str, description: str) -> argparse.ArgumentParser:
    """The parser of `python -m ubernet_jax.NAME`; its help leaves the description's lines alone.

    `--plugin MODULE` is an option of all of them: the module is imported as it is parsed.
    """
    parser = argparse.ArgumentParser(
        prog=f'python -m ubernet_jax.{name}',
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_plugin_option(parser)
    return parser


def add_plugin_option(parser: argparse.ArgumentParser) -> None:
    """`--plugin MODULE`; the value is of no more use."""
    parser.add_argument('--plugin', action='append', type=load_plugin, metavar='MODULE', help=HELP)


def positive_integer(text: str) -> int:
    """An argparse type: a whole number above 0."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number above 0')
    return int(text)
