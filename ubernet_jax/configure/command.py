"""Writes a configuration for prepared datasets and for this machine.

    ubernet configure folder/garden folder/street --out my.py

The file is complete: it names the tasks with their classes, and can be trained as it is.
"""

import argparse
import pathlib
import shlex
from collections.abc import Sequence

from absl import logging

from ubernet_jax import cli
from ubernet_jax.config import DataConfig
from ubernet_jax.config.field_paths import SETTINGS_PAGE
from ubernet_jax.configure.length import explain
from ubernet_jax.configure.machine import inspect_machine
from ubernet_jax.configure.plan import Plan, make_plan
from ubernet_jax.configure.source import write_source
from ubernet_jax.errors import UserError
from ubernet_jax.writing import write_text


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command.

    Raises:
      UserError: the file exists, a dataset is not prepared or cannot be trained on, or a task would
        have a name that is not allowed; nothing is written.
    """
    options = _parse(arguments)
    logging.set_verbosity(logging.WARNING)  # TFDS logs many details at the level INFO
    if options.out.exists():
        raise UserError(f'--out {options.out} exists: delete it, or give another file')
    machine = inspect_machine(measure=True)
    plan = make_plan(options.names, options.directory, options.out.stem, machine)
    text = write_source(plan.config, plan.comments, _describe(plan, options))
    write_text(options.out, text)
    for name, task in plan.config.tasks.items():
        print(f'{name} ({task.kind}): {plan.comments[f"tasks.{name}"]}')
    for note in plan.notes:
        print(f'note: {note}')
    print(f'{plan.length} on {plan.machine}; {explain(machine)}\nwritten: {options.out}')
    print(cli.suggest('train', *_train_words(options.out)))


def _train_words(out: pathlib.Path) -> list[str]:
    """The arguments of `ubernet train` for the file, and for a workdir of the same name."""
    return ['--config', str(out), '--workdir', f'runs/{out.stem}']


def _describe(plan: Plan, options: argparse.Namespace) -> str:
    """The docstring of the file: what it trains, how to start, and how it came about."""
    datasets = ', '.join(dict.fromkeys(options.names))
    words = _train_words(options.out)
    train = shlex.join(['ubernet', 'train', *words])
    predict = shlex.join(['ubernet', 'predict', '--checkpoint', words[-1], 'PHOTO.jpg'])
    return (
        f'{", ".join(plan.config.tasks)}: one network, trained on {datasets}.\n\n'
        f'    {train}\n    {predict} --out predictions\n\n'
        f'Written by `ubernet configure` for {plan.machine}. Every setting can be changed here, or '
        'for a single run as an option: --config.images=1000. All settings: '
        f'`{SETTINGS_PAGE}`.'
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = cli.make_parser('configure')
    parser.add_argument('names', nargs='+', metavar='DATASET',
                        help='a prepared dataset, such as folder/garden or bsds500')  # fmt: skip
    parser.add_argument('--out', type=pathlib.Path, required=True, metavar='FILE.py',
                        help='the file to write')  # fmt: skip
    parser.add_argument('--directory', type=pathlib.Path, metavar='DIR',
                        default=pathlib.Path(DataConfig().directory),
                        help='folder of the prepared datasets (default: %(default)s)')  # fmt: skip
    return parser.parse_args(arguments)
