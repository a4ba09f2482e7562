"""Compares runs: scores, changes against a baseline with tests, learning curves, protocols.

    ubernet compare runs/mini --baseline runs/single-* --out runs/comparison

RUN is the folder of a run (its newest results on full benchmarks are used), one of its folders
results/STEP, or a file in docs/results. The command prints Markdown. With --out it also writes
comparison.md, comparison.json and, for runs with a log, comparison.png. It refuses to compare
scores of different protocols.

    ubernet compare runs/mini --keep docs/results
    ubernet compare --document docs/results/mini.md

The first command saves the scores of every run to a file. The second regenerates the tables of a
document by running the commands in it.
"""

import argparse
import collections
import pathlib
from collections.abc import Sequence
from typing import Any

from ubernet_jax import cli
from ubernet_jax.comparison.change_picture import draw_changes
from ubernet_jax.comparison.changes import find_changes
from ubernet_jax.comparison.columns import Column, Comparison, compare
from ubernet_jax.comparison.curve_picture import draw_curves
from ubernet_jax.comparison.documents import regenerate_tables
from ubernet_jax.comparison.image_differences import find_image_differences
from ubernet_jax.comparison.markdown import format_protocols, format_tables
from ubernet_jax.comparison.runs import keep_run, read_run
from ubernet_jax.errors import UserError
from ubernet_jax.json_file import write_json
from ubernet_jax.writing import new_files, write_text


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command.

    Raises:
      UserError: the runs cannot be compared, or a file is missing or has unexpected contents.
    """
    options = _parse(arguments)
    if options.document:
        update_document(options.document)
        return
    comparison = _read_comparison(options)
    print(format_tables(comparison), format_protocols(comparison), sep='\n')
    if options.out:
        _write(comparison, options.out)
    for run in comparison.all_runs() if options.keep else ():
        print(f'kept: {keep_run(run, options.keep)}')


def update_document(file: pathlib.Path) -> None:
    """Regenerates every table of a document; paths in its commands are as in the command line."""
    text = file.read_text()
    write_text(file, regenerate_tables(text, make_table))
    print(f'updated: {file}')


def make_table(arguments: Sequence[str]) -> str:
    """Returns the tables that a command prints."""
    return format_tables(_read_comparison(_parse(arguments)))


def _read_comparison(options: argparse.Namespace) -> Comparison:
    if not options.runs:
        raise UserError('there is no RUN to compare: give the folders of runs, such as runs/mini')
    for path, count in collections.Counter(path.resolve() for path in options.baseline).items():
        if count > 1:
            raise UserError(f'--baseline has {path} {count} times: give each run once')
    runs, baseline = (
        [read_run(path) for path in paths] for paths in (options.runs, options.baseline)
    )
    names = options.names or [run.name for run in runs]
    if len(names) != len(runs):
        raise UserError(
            f'--names has {len(names)} names for {len(runs)} runs: give a name for each run; seeds '
            'of a run have the same name'
        )
    return compare(runs, names, baseline)


def _write(comparison: Comparison, out: pathlib.Path) -> None:
    text = '\n'.join([format_tables(comparison), format_protocols(comparison)])
    with new_files(out) as new:
        write_text(new / 'comparison.md', text)
        write_json(new / 'comparison.json', _to_json(comparison))
        if any(run.workdir for run in comparison.all_runs()):
            draw_curves(comparison, new / 'comparison.png')
        if comparison.baseline:
            changes = {
                column.name: find_changes(comparison, column) for column in comparison.columns
            }
            draw_changes(changes, new / 'changes.png')
    print(f'written: {out}')


def _to_json(comparison: Comparison) -> dict[str, Any]:
    return {
        'columns': [
            {
                'name': column.name,
                **_changes_to_json(comparison, column),
                'runs': [run.to_json() for run in column.runs],
            }
            for column in comparison.columns
        ],
        'baseline': [run.to_json() for run in comparison.baseline.runs]
        if comparison.baseline
        else [],
    }


def _changes_to_json(comparison: Comparison, column: Column) -> dict[str, Any]:
    if comparison.baseline is None:
        return {'change': {}, 'left_out': {}}
    changes = find_changes(comparison, column)
    spreads = {**changes.tasks, 'delta_m': changes.delta_m}
    return {
        'change': {name: spread._asdict() for name, spread in spreads.items()},
        'left_out': changes.left_out,
        'seeds_paired': changes.seeds_paired,
        'image_differences': [
            {**benchmark._asdict(), **difference._asdict(), 'score': difference.score.name}
            for benchmark, difference in find_image_differences(comparison, column).tested.items()
        ],
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = cli.make_parser('compare')
    add = parser.add_argument
    add('runs', nargs='*', type=pathlib.Path, metavar='RUN',
        help='a run (its newest results), a folder results/STEP in it, or a kept file')  # fmt: skip
    add('--names', nargs='+', metavar='NAME',
        help='names of the columns, one for each run; runs with the same name are seeds, shown as '
        'mean and standard deviation')  # fmt: skip
    add('--baseline', nargs='+', type=pathlib.Path, metavar='RUN', default=[],
        help='one run or several; each task is compared with the runs trained for it')  # fmt: skip
    add('--out', type=pathlib.Path, metavar='DIR',
        help='write comparison.md, comparison.json, the learning curves and, with --baseline, a '
        'picture of the changes to DIR')  # fmt: skip
    add('--keep', type=pathlib.Path, metavar='DIR',
        help='save the scores of every run to a file in DIR')  # fmt: skip
    add('--document', type=pathlib.Path, metavar='FILE', help='regenerate the tables of FILE')
    return parser.parse_args(arguments)


if __name__ == '__main__':
    cli.run(main)
