"""Builds datasets from their downloaded files.

    ubernet prepare bsds500 voc2012 folder/kitchen --source ../shared/data
    ubernet prepare --list

To resume an interrupted build, run the command again. data/README.md describes where each dataset
comes from and which files are needed.
"""

import argparse
import contextlib
import dataclasses
import os
import pathlib
import signal
from collections.abc import Iterator, Sequence

from PIL import Image

from ubernet_jax import cli
from ubernet_jax.datasets import open_dataset
from ubernet_jax.datasets.builders.builder import Builder
from ubernet_jax.datasets.builders.card import describe_counts
from ubernet_jax.datasets.builders.registry import KNOWN_NAMES, list_folders, make_builder
from ubernet_jax.datasets.builders.split_metadata import count_images, count_labels
from ubernet_jax.datasets.contact_sheet import draw_examples
from ubernet_jax.datasets.storage.image_storage import Storage
from ubernet_jax.doctor.dataset_report import find_errors
from ubernet_jax.errors import UserError
from ubernet_jax.locks import lock_folder
from ubernet_jax.photographs import Exif
from ubernet_jax.writing import new_file

_DIRECTORY = pathlib.Path('data/prepared')


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepares the datasets named on the command line.

    Raises:
      UserError: a name is unknown, or there is an error in the files of a dataset.
    """
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up as for Ctrl-C
    if options.list:
        for name in (*KNOWN_NAMES, *list_folders(options.directory)):
            print(describe(make_builder(name, options.directory)))
    storage = Storage(
        max_side=options.max_side, jpeg_quality=options.jpeg_quality, exif=options.exif
    )
    names = dict.fromkeys(options.names)
    builders = [make_builder(name, options.directory) for name in names]
    with contextlib.ExitStack() as locks:
        for builder in builders:
            if not builder.is_prepared():
                locks.enter_context(_locked(builder))
        # New builders, because another command may have prepared one before it was locked.
        builders = [make_builder(name, options.directory) for name in names]
        for builder in builders:
            _prepare(builder, storage, options)
    if names := [builder.dataset_name for builder in builders if 'train' in builder.split_metadata]:
        words = [] if options.directory == _DIRECTORY else ['--directory', options.directory]
        print(cli.suggest('configure', *names, '--out', 'my.py', *words))


@contextlib.contextmanager
def _locked(builder: Builder) -> Iterator[None]:
    folder = pathlib.Path(builder.data_path.parent)
    with contextlib.ExitStack() as lock:
        try:
            lock.enter_context(lock_folder(folder, 'wait until it ends'))
        except OSError as error:
            raise UserError(
                f'{builder.dataset_name} cannot be prepared in {builder.data_path}: {error}; '
                'choose another folder with --directory'
            ) from error
        yield


def _prepare(builder: Builder, storage: Storage, options: argparse.Namespace) -> None:
    if builder.is_prepared():
        if errors := find_errors(builder):
            raise UserError(f'{builder.dataset_name} is prepared, but ' + '\n'.join(errors))
        _check_storage(builder, storage)
        print(f'{builder.dataset_name} is already prepared in {options.directory}')
    else:
        builder.test_share = options.test_share
        builder.prepare(options.source, storage, options.workers)
    print(summarise(builder))


def summarise(builder: Builder) -> str:
    """Describes a prepared dataset, compared with its card, and draws a contact sheet."""
    name = builder.dataset_name
    labelled = {split: count_labels(metadata) for split, metadata in builder.split_metadata.items()}
    storage = builder.read_storage()
    lines = [
        builder.describe_splits(),
        '' if storage == Storage() else f'images are {storage}',
        builder.card.compare(count_images(builder.split_metadata), labelled),
        *(
            f'note: {label}: {note}'
            for label, review in builder.review_labels().items()
            for note in review.notes
        ),
        *builder.describe_remarks(),
        *builder.describe_left_out(),
        f'see {_draw_sheet(builder)} for some images with their labels',
    ]
    return '\n'.join(f'{name}: {line}' for line in lines if line)


def _draw_sheet(builder: Builder) -> pathlib.Path:
    path = pathlib.Path(builder.data_path, 'contact_sheet.png')
    if not path.exists():
        directory = pathlib.Path(builder.data_dir_root)
        splits = [
            open_dataset(builder.dataset_name, split, directory) for split in builder.split_metadata
        ]
        with new_file(path) as new:
            Image.fromarray(draw_examples(splits)).save(new)
    return path


def _check_storage(builder: Builder, wanted: Storage) -> None:
    """Raises a UserError if the requested options differ from those of the prepared dataset."""
    stored = dataclasses.asdict(builder.read_storage())
    for option, value in dataclasses.asdict(wanted).items():
        if value not in (getattr(Storage(), option), stored[option]):
            flag = f'--{option.replace("_", "-")}'
            raise UserError(
                f'{builder.dataset_name} is already prepared in {builder.data_path}, with images '
                f'{builder.read_storage()}, but {flag} {value} was requested; delete that folder '
                'to rebuild the dataset, or choose another folder with --directory'
            )


def describe(builder: Builder) -> str:
    """Returns the paragraph of `--list` about a dataset: its card, and whether it is prepared."""
    card = builder.card
    ready, made = 'no', ''
    if builder.is_prepared():
        made = '; '.join(builder.describe_remarks())
        ready = describe_counts(count_images(builder.split_metadata))
    elif builder.unfinished.exists():
        ready = 'in part: prepare it again to resume'
    lines = {
        'tasks': ', '.join(card.tasks),
        'images': card.describe_official(),
        'prepared': ready,
        'made': made,
        'home': card.home,
        'licence': card.licence,
        'archives': ', '.join(card.archives) + (f' ({card.size})' if card.size else ''),
        'cite': card.citation,
    }
    return '\n'.join(
        [builder.dataset_name, *(f'  {key:9} {text}' for key, text in lines.items() if text)]
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = cli.make_parser('prepare')
    parser.add_argument('names', nargs='*', metavar='NAME', help=', '.join(KNOWN_NAMES))
    parser.add_argument(
        '--list',
        action='store_true',
        help='list all datasets with their tasks, licences, and whether they are prepared',
    )
    parser.add_argument(
        '--source',
        type=pathlib.Path,
        metavar='DIR',
        help='folder of the downloaded dataset, or a folder that contains several datasets; not '
        'needed for synthetic',
    )
    parser.add_argument(
        '--directory',
        type=pathlib.Path,
        default=_DIRECTORY,
        metavar='DIR',
        help='folder of the prepared datasets (default: %(default)s)',
    )
    parser.add_argument(
        '--max-side',
        type=cli.positive_integer,
        metavar='N',
        help='scale images whose longer side exceeds N pixels down to N, with their labels',
    )
    parser.add_argument(
        '--jpeg-quality',
        type=cli.positive_integer,
        metavar='Q',
        help='store images as JPEG of this quality, 1 to 100 (default: keep the original files, '
        'and store scaled images as PNG)',
    )
    parser.add_argument(
        '--exif',
        type=Exif,
        choices=[*Exif],
        default=Exif.REFUSE,
        help='labelled images with an EXIF orientation: refuse them; apply it, for labels drawn on '
        'the image as viewers show it; or ignore it, for labels drawn on the pixels as stored '
        '(default: %(default)s)',
    )
    parser.add_argument(
        '--test-share',
        type=_share,
        metavar='S',
        help='of a dataset of yours without splits, the share of the images to test on, such as '
        '0.2, chosen by their names: always the same; 0 to train on all',
    )
    parser.add_argument(
        '--workers',
        type=cli.positive_integer,
        default=os.cpu_count(),
        metavar='N',
        help='number of processes (default: the number of cores, %(default)s)',
    )
    options = parser.parse_args(arguments)
    if not options.names and not options.list:
        parser.error('give the name of a dataset, or --list to list all datasets')
    if options.jpeg_quality and options.jpeg_quality > 100:
        parser.error(f'--jpeg-quality is {options.jpeg_quality}; allowed are 1 to 100')
    return options


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is not a share; allowed are 0 to less than 1')
    return share


if __name__ == '__main__':
    cli.run(main)
