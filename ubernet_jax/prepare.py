"""Builds datasets once, from the files as they are downloaded: see data/README.md.

    python -m ubernet_jax.prepare bsds500 voc2012 folder/kitchen --source ../shared/data
"""

import argparse
import pathlib
import signal
from collections.abc import Sequence

from ubernet_jax import cli
from ubernet_jax.datasets.catalogue import KNOWN_NAMES, make_builder


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepares the sets named on the command line.

    Raises:
      UserError: a name is not known, or something is wrong with a set's files.
    """
    options = _parse(arguments)
    builders = [make_builder(name, options.directory) for name in options.names]
    for builder in builders:
        if builder.is_prepared():
            print(f'{builder.dataset_name} is already prepared in {options.directory}')
        else:
            builder.prepare(options.source)
        print(f'{builder.dataset_name}: {builder.describe_splits()}')


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m ubernet_jax.prepare', description='Builds datasets, each once.'
    )
    parser.add_argument('names', nargs='+', metavar='NAME', help=', '.join(KNOWN_NAMES))
    parser.add_argument(
        '--source',
        type=pathlib.Path,
        metavar='DIR',
        help='folder of the downloaded set, or one that holds several; synthetic needs none',
    )
    parser.add_argument(
        '--directory',
        type=pathlib.Path,
        default=pathlib.Path('data/prepared'),
        metavar='DIR',
        help='where prepared sets lie (default: %(default)s)',
    )
    return parser.parse_args(arguments)


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cleans up, as Ctrl-C does
    cli.run(main)
