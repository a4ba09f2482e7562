"""The command `ubernet`, which is also `python -m ubernet_jax`."""

import argparse
import os
import sys

import ubernet_jax
from ubernet_jax import cli
from ubernet_jax.commands import COMMANDS


def main() -> None:
    """Runs the subcommand that the first argument names; without one, lists all subcommands."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] in COMMANDS:
        # As with `python -m`, so that configurations and `--plugin` find modules there.
        sys.path.append(os.getcwd())
        cli.run(lambda: COMMANDS[arguments[0]].load()(arguments[1:]))
        return
    parser = _make_parser()
    parser.parse_args(arguments)  # exits if there are any
    parser.print_help()


def _make_parser() -> argparse.ArgumentParser:
    """The parser of everything except the arguments of a subcommand."""
    parser = argparse.ArgumentParser(
        prog=cli.program(),
        description='One network for many vision tasks, from images that are labelled for some.',
        epilog='%(prog)s COMMAND --help describes a command.',
    )
    version = f'ubernet_jax {ubernet_jax.__version__}'
    parser.add_argument('--version', action='version', version=version)
    commands = parser.add_subparsers(title='commands', metavar='COMMAND')
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.summary, add_help=False)
    return parser


if __name__ == '__main__':
    main()
