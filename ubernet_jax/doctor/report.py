"""Formats a diagnosis as text."""

import itertools
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from ubernet_jax.config import Leaks
from ubernet_jax.datasets.checks.duplicates import Duplicate
from ubernet_jax.datasets.checks.leaks import describe_leaks
from ubernet_jax.doctor.dataset_report import DatasetReport, Status
from ubernet_jax.doctor.diagnosis import ConfigReport, Diagnosis
from ubernet_jax.doctor.machine import Environment
from ubernet_jax.errors import name_some

_GIB = 2**30
_POLICIES = {
    Leaks.REFUSE: 'training refuses them',
    Leaks.LEAVE_OUT: 'training leaves them out',
    Leaks.ALLOW: 'training allows them',
}


def format_diagnosis(diagnosis: Diagnosis) -> Iterator[str]:
    """Yields the lines of a report for people."""
    yield from _format_environment(diagnosis.environment)
    present = [report for report in diagnosis.datasets if report.status is not Status.ABSENT]
    absent = [report.name for report in diagnosis.datasets if report.status is Status.ABSENT]
    yield f'\nprepared datasets in {diagnosis.directory}\n'
    yield from _table(
        ('dataset', 'status', 'split', 'images', 'official', 'height', 'width', 'repeated'),
        (row for report in present for row in _split_rows(report)),
    )
    yield f'absent: {", ".join(absent) or "none"}'
    yield '\nlabels (void and values are those of the images that were read)\n'
    yield from _table(
        ('dataset', 'split', 'label', 'images', 'read', 'void', 'values'),
        (row for report in present for row in _label_rows(report)),
    )
    for report in present:
        yield from _paragraph(f'{report.name} is broken', report.errors)
    repeated = [f'{report.name} {line}' for report in present for line in _repeated_images(report)]
    title = 'images that occur twice in a dataset (neighbouring frames of a video are included)'
    yield from _paragraph(title, repeated)
    yield from _paragraph('notes', _merge_notes(present))
    if diagnosis.config:
        yield from _format_config(diagnosis.config)
    yield '\nno errors found' if diagnosis.healthy else '\nerrors found: see above'


def _format_environment(environment: Environment) -> Iterator[str]:
    yield ', '.join(f'{name} {version}' for name, version in environment.versions.items())
    yield f'{environment.cores} CPU cores, {environment.memory / _GIB:.1f} GiB of memory'
    for device in environment.devices:
        memory = f', {device.memory / _GIB:.1f} GiB' if device.memory else ''
        yield f'device {device.platform}: {device.kind}{memory}'
    if environment.error:
        yield environment.error


def _split_rows(report: DatasetReport) -> Iterator[tuple]:
    if not report.splits:
        yield report.name, report.status.value, *['-'] * 6
    repeated = Counter(
        split for pair in report.duplicates for split in {pair.first.split, pair.second.split}
    )
    name = report.name, report.status.value
    for split_name, split in report.splits.items():
        official = '-' if split.official is None else split.official
        ranges = (split.height, split.width)
        sides = (f'{low}-{high}' if low < high else low for low, high in ranges)
        yield *name, split_name, split.images, official, *sides, repeated[split_name]
        name = '', ''


def _label_rows(report: DatasetReport) -> Iterator[tuple]:
    name = report.name
    for split_name, split in report.splits.items():
        for label_name, label in split.labels.items():
            void = '-' if label.void is None else f'{label.void:.1%}'
            counts = label.images, label.read, void, label.values or '-'
            yield name, split_name, label_name, *counts
            name = split_name = ''


def _repeated_images(report: DatasetReport) -> Iterator[str]:
    def splits(pair: Duplicate) -> tuple[str, str]:
        return pair.first.split, pair.second.split

    for split_names, pairs in itertools.groupby(report.duplicates, splits):
        images = [f'{pair.first.id} = {pair.second.id}' for pair in pairs]
        yield f'{" and ".join(dict.fromkeys(split_names))}: {name_some(images)}'


def _merge_notes(reports: Iterable[DatasetReport]) -> list[str]:
    """Returns each note once, after the names of the datasets that have it."""
    datasets = defaultdict(list)
    for report in reports:
        for note in report.notes:
            datasets[note].append(report.name)
    return [f'{", ".join(names)}: {note}' for note, names in datasets.items()]


def _format_config(report: ConfigReport) -> Iterator[str]:
    yield from _paragraph(f'configuration {report.name} cannot be run', report.errors)
    title = f'configuration {report.name} trains on test images; {_POLICIES[report.policy]}'
    yield from _paragraph(title, describe_leaks(report.leaks))
    if report.schedule:
        title = f'plan of configuration {report.name}'
        yield from _paragraph(title, report.schedule.describe().splitlines())
    if not report.errors and not report.leaks:
        yield f'\nconfiguration {report.name}: there is no test image among the training images'


def _paragraph(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f'\n{title}'
        yield textwrap.indent('\n'.join(lines), '  ')


def _table(header: tuple, rows: Iterable[tuple]) -> Iterator[str]:
    """Yields the lines of a table whose columns are as wide as their longest cell."""
    cells = [header, *([*map(str, row)] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield '  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
