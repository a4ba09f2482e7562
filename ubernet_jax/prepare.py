"""Builds datasets, each once, from the files as they are downloaded.

    python -m ubernet_jax.prepare bsds500 voc2012 folder/kitchen --source ../shared/data
    python -m ubernet_jax.prepare --list

data/README.md says where each set comes from and which files it must have.
"""

import argparse
import pathlib
import signal
from collections.abc import Sequence

from ubernet_jax import cli
from ubernet_jax.datasets.builder import Builder
from ubernet_jax.datasets.card import describe_counts
from ubernet_jax.datasets.catalogue import BUILDERS, KNOWN_NAMES, make_builder


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepares the sets named on the command line.

    Raises:
      UserError: a name is not known, or something is wrong with a set's files.
    """
    options = _parse(arguments)
    if options.list:
        for name in BUILDERS:
            print(describe(make_builder(name, options.directory)))
    builders = [make_builder(name, options.directory) for name in options.names]
    for builder in builders:
        if builder.is_prepared():
            print(f'{builder.dataset_name} is already prepared in {options.directory}')
        else:
            builder.prepare(options.source)
        print(f'{builder.dataset_name}: {builder.describe_splits()}')
        remark = builder.card.compare(_count_images(builder))
        if remark:
            print(f'{builder.dataset_name}: {remark}')


def describe(builder: Builder) -> str:
    """What `--list` says of a dataset, in a paragraph: its card, and whether it is prepared."""
    card = builder.card
    ready = describe_counts(_count_images(builder)) if builder.is_prepared() else 'no'
    lines = {
        'tasks': ', '.join(card.tasks),
        'images': describe_counts(card.counts),
        'prepared': ready,
        'home': card.home,
        'licence': card.licence,
        'archives': ', '.join(card.archives),
        'cite': card.citation,
    }
    return '\n'.join(
        [builder.dataset_name, *(f'  {key:9} {text}' for key, text in lines.items() if text)]
    )


def _count_images(builder: Builder) -> dict[str, int]:
    return {split: len(about['ids']) for split, about in builder.info.metadata.items()}


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m ubernet_jax.prepare', description='Builds datasets, each once.'
    )
    parser.add_argument('names', nargs='*', metavar='NAME', help=', '.join(KNOWN_NAMES))
    parser.add_argument(
        '--list', action='store_true', help='show every set: its tasks, terms, and if it is ready'
    )
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
    options = parser.parse_args(arguments)
    if not options.names and not options.list:
        parser.error('name a dataset, or give --list to see which there are')
    return options


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cleans up, as Ctrl-C does
    cli.run(main)
