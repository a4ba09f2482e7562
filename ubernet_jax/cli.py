"""Entry points: errors that the user can fix end in a message, not in a traceback."""

import argparse
import difflib
import gc
import os
import pathlib
import re
import shlex
import sys
from collections.abc import Callable, Mapping

from ubernet_jax.commands import COMMANDS
from ubernet_jax.errors import UserError
from ubernet_jax.plugins import HELP, load_plugin
from ubernet_jax.process_limits import check_limits, find_shortage

USER_ERROR = 2  # exit code, the same as for wrong command lines
_INTERRUPTED = 130  # exit code of shells for Ctrl-C
_CLOSED_PIPE = 141  # exit code of shells for SIGPIPE


def run(main: Callable[[], int | None]) -> None:
    """Runs an entry point, which may return an exit code.

    A `UserError` exits with code 2 and `error: ...` on stderr.

    An `OSError` does the same, because it names its file: a full disk, a read-only folder.
    """
    # Modules live until the end: no search for garbage need look at them. A tenth of a short run.
    gc.freeze()
    try:
        check_limits()
        code = main()
    except BrokenPipeError:  # the reader of the output has ended: `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_CLOSED_PIPE)
    except (UserError, OSError) as error:
        in_the_way = isinstance(error, FileExistsError)
        text = f'{error.filename} is a file; a folder is needed there' if in_the_way else str(error)
        if isinstance(error, OSError) and (advice := find_shortage(error)):
            text += f': {advice}'
        print(f'error: {text}', file=sys.stderr)
        sys.exit(USER_ERROR)
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        sys.exit(_INTERRUPTED)
    if code:
        sys.exit(code)


def program(name: str = '') -> str:
    """How the command NAME is called: by `ubernet`, if that was started, otherwise by Python."""
    if pathlib.Path(sys.argv[0]).stem == 'ubernet':
        return f'ubernet {name}'.strip()
    return f'python -m ubernet_jax.{COMMANDS[name].module}' if name else 'python -m ubernet_jax'


def suggest(name: str, *words: object, tasks: Mapping[str, object] | None = None) -> str:
    """The line `next: ...` with a command to type.

    Args:
      name: of the command.
      *words: its arguments.
      tasks: of the network that it opens; their modules, if they are not of this package, are
        named as plugins.
    """
    modules = sorted({type(task).__module__ for task in (tasks or {}).values()})
    plugins = [module for module in modules if module.partition('.')[0] != __package__]
    options = [word for module in plugins for word in ('--plugin', module)]
    return f'next: {program(name)} {shlex.join([*map(str, words), *options])}'


def make_parser(name: str, plugins: bool = True) -> argparse.ArgumentParser:
    """The parser of the command NAME, with its sentence and its examples.

    Args:
      name: a key of `COMMANDS`.
      plugins: whether it has the option `--plugin MODULE`, which imports the module during parsing.
    """
    parser = argparse.ArgumentParser(
        prog=program(name),
        description=COMMANDS[name].summary,
        epilog='\n  '.join(['examples:', *COMMANDS[name].examples]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if plugins:
        add_plugin_option(parser)
    return parser


def suggest_option(parser: argparse.ArgumentParser, word: str) -> str:
    """Asks for the option of a parser that is spelt most like an unknown one, if there is any."""
    known = re.findall(r'--[\w-]+', parser.format_usage())
    similar = difflib.get_close_matches(word.partition('=')[0], known, 1)
    return f'; did you mean {similar[0]}?' if similar else '.'


def add_plugin_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--plugin MODULE`; importing it is the only effect."""
    parser.add_argument('--plugin', action='append', type=load_plugin, metavar='MODULE', help=HELP)


def positive_integer(text: str) -> int:
    """An argparse type: a whole number above 0."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number above 0')
    return int(text)
