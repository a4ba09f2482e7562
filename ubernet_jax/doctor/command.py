"""Looks for what is wrong with the prepared datasets, and with a configuration that uses them.

    python -m ubernet_jax.doctor --config configs/mini.py

Says which sets are ready, broken or absent; how many images they have, of which sizes, which of
them twice, and which labels; and which training images of the configuration its benchmarks test on.
Exit code 1 if something is broken or leaks. Fingerprints of the images, once computed, are kept
beside the records.
"""

import argparse
import itertools
import json
import pathlib
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from absl import logging

from ubernet_jax import cli
from ubernet_jax.config import DataConfig, Leaks
from ubernet_jax.config.flags import load_config
from ubernet_jax.config.serialization import to_json
from ubernet_jax.config.validation import validate
from ubernet_jax.datasets.checks.duplicates import Duplicate
from ubernet_jax.datasets.checks.leaks import describe_leaks, name_some
from ubernet_jax.doctor.dataset_report import SAMPLE, DatasetReport, Status
from ubernet_jax.doctor.diagnosis import ConfigReport, Diagnosis, diagnose
from ubernet_jax.doctor.machine import Environment
from ubernet_jax.errors import UserError

_GIB = 2**30
_LIST = 'python -m ubernet_jax.prepare --list shows which there are'
_OUTCOMES = {
    Leaks.REFUSE: 'the training refuses them',
    Leaks.LEAVE_OUT: 'the training leaves them out',
    Leaks.ALLOW: 'the training allows them',
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a report; returns 0 if all is well, or else 1.

    Raises:
      UserError: there is no such directory or config file.
    """
    options = _parse(arguments)
    logging.set_verbosity(logging.WARNING)  # TFDS tells every detail as INFO
    config = load_config(options.config) if options.config else None
    if config:
        validate(config)
    usual = (config.data if config else DataConfig()).directory
    directory = options.data_root or pathlib.Path(usual)
    if not directory.is_dir():
        raise UserError(
            f'{directory} is not a folder; say with --data-root where prepared sets lie, or '
            f'prepare one: {_LIST}'
        )
    diagnosis = diagnose(directory, config, options.full)
    if all(one.status is Status.ABSENT for one in diagnosis.sets):
        raise UserError(f'{directory} holds no prepared set; {_LIST}')
    if options.json:
        print(json.dumps({'healthy': diagnosis.healthy, **to_json(diagnosis)}, indent=1))
    else:
        print('\n'.join(_describe(diagnosis)))
    return 0 if diagnosis.healthy else 1


def _describe(diagnosis: Diagnosis) -> Iterator[str]:
    yield from _describe_environment(diagnosis.environment)
    present = [one for one in diagnosis.sets if one.status is not Status.ABSENT]
    absent = [one.name for one in diagnosis.sets if one.status is Status.ABSENT]
    yield f'\nprepared sets in {diagnosis.directory}\n'
    yield from _table(
        ('set', 'status', 'split', 'images', 'official', 'height', 'width', 'twice'),
        (row for one in present for row in _set_rows(one)),
    )
    yield f'absent: {", ".join(absent) or "none"}'
    yield '\nlabels; void and values are those of the images read\n'
    yield from _table(
        ('set', 'split', 'label', 'images', 'read', 'void', 'values'),
        (row for one in present for row in _label_rows(one)),
    )
    for one in present:
        yield from _paragraph(f'{one.name} is broken', one.errors)
    repeated = [f'{one.name} {line}' for one in present for line in _describe_duplicates(one)]
    yield from _paragraph('twice in one set (neighbouring frames of a video count)', repeated)
    yield from _paragraph('to know', _join_notes(present))
    if diagnosis.config:
        yield from _describe_config(diagnosis.config)
    yield '\nall is well' if diagnosis.healthy else '\nsomething is wrong: see above'


def _describe_environment(environment: Environment) -> Iterator[str]:
    yield ', '.join(f'{name} {version}' for name, version in environment.versions.items())
    yield f'{environment.cores} CPU cores, {environment.memory / _GIB:.1f} GiB of memory'
    for device in environment.devices:
        memory = f', {device.memory / _GIB:.1f} GiB' if device.memory else ''
        yield f'device {device.platform}: {device.kind}{memory}'
    if environment.error:
        yield environment.error


def _set_rows(report: DatasetReport) -> Iterator[tuple]:
    if not report.splits:
        yield report.name, report.status.value, *['-'] * 6
    twice = Counter(
        split for pair in report.duplicates for split in {pair.first.split, pair.second.split}
    )
    name = report.name, report.status.value
    for split, own in report.splits.items():
        official = '-' if own.official is None else own.official
        sides = (f'{low}-{high}' if low < high else low for low, high in (own.height, own.width))
        yield *name, split, own.images, official, *sides, twice[split]
        name = '', ''


def _label_rows(report: DatasetReport) -> Iterator[tuple]:
    name = report.name
    for split, own in report.splits.items():
        for label, found in own.labels.items():
            void = '-' if found.void is None else f'{found.void:.1%}'
            yield name, split, label, found.images, found.read, void, found.values or '-'
            name = split = ''


def _describe_duplicates(report: DatasetReport) -> Iterator[str]:
    def splits(pair: Duplicate) -> tuple[str, str]:
        return pair.first.split, pair.second.split

    for own, pairs in itertools.groupby(report.duplicates, splits):
        same = [f'{pair.first.id} = {pair.second.id}' for pair in pairs]
        yield f'{" and ".join(dict.fromkeys(own))}: {name_some(same)}'


def _join_notes(reports: Iterable[DatasetReport]) -> list[str]:
    """Each note once, after the sets that it is made on."""
    names = defaultdict(list)
    for report in reports:
        for note in report.notes:
            names[note].append(report.name)
    return [f'{", ".join(own)}: {note}' for note, own in names.items()]


def _describe_config(report: ConfigReport) -> Iterator[str]:
    yield from _paragraph(f'configuration {report.name} cannot be run', report.errors)
    title = f'configuration {report.name} trains on test images; {_OUTCOMES[report.policy]}'
    yield from _paragraph(title, describe_leaks(report.leaks))
    if not report.errors and not report.leaks:
        yield f'\nconfiguration {report.name}: no test image among the training images'


def _paragraph(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f'\n{title}'
        yield textwrap.indent('\n'.join(lines), '  ')


def _table(header: tuple, rows: Iterable[tuple]) -> Iterator[str]:
    """Lines of columns, each as wide as it needs to be."""
    cells = [header, *([*map(str, row)] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield '  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = cli.make_parser('doctor', __doc__)
    parser.add_argument(
        '--data-root',
        type=pathlib.Path,
        metavar='DIR',
        help='where prepared sets lie (default: where the config has them, data/prepared)',
    )
    parser.add_argument(
        '--config', metavar='FILE[:VARIANT]', help='look for leaks of this configuration, too'
    )
    parser.add_argument('--json', action='store_true', help='print JSON')
    parser.add_argument(
        '--full',
        action='store_true',
        help=f'read the pixels of all images, not of {SAMPLE} of each split',
    )
    return parser.parse_args(arguments)
