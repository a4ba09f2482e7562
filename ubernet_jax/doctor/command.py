"""Checks the machine, the prepared datasets, and a configuration that uses them.

    ubernet doctor --config mini --config.data.directory=DIR

Settings of the configuration are changed as for training: `--config.FIELD=VALUE`.
Reports which datasets are ready, broken or absent; the number and the sizes of their images,
repeated images, and their labels; and training images of the configuration that are also test
images of its benchmarks. The exit code is 1 if something is broken or images leak. Fingerprints of
the images are computed once and stored beside the records.
"""

import argparse
import json
import pathlib
from collections.abc import Sequence

from absl import logging

from ubernet_jax import cli
from ubernet_jax.config import DataConfig
from ubernet_jax.config.flags import override_config
from ubernet_jax.config.serialization import to_json
from ubernet_jax.config.validation import validate
from ubernet_jax.doctor.dataset_report import SAMPLE_SIZE, Status
from ubernet_jax.doctor.diagnosis import diagnose
from ubernet_jax.doctor.report import format_diagnosis
from ubernet_jax.errors import UserError

_LIST = 'ubernet prepare --list shows the available datasets'


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a diagnosis.

    Returns:
      0 if nothing is wrong, otherwise 1.

    Raises:
      UserError: the directory or the config file does not exist, or there is no prepared dataset.
    """
    options, settings = _parse(arguments)
    logging.set_verbosity(logging.WARNING)  # TFDS logs many details at the level INFO
    config = override_config(options.config, settings) if options.config else None
    if config:
        validate(config)
    data = config.data if config else DataConfig()
    directory = options.data_root or pathlib.Path(data.directory)
    if not directory.is_dir():
        raise UserError(
            f'{directory} is not a folder; give the folder of the prepared datasets with '
            f'--data-root, or prepare a dataset: {_LIST}'
        )
    diagnosis = diagnose(directory, config, options.full)
    if all(report.status is Status.ABSENT for report in diagnosis.datasets):
        raise UserError(f'{directory} contains no prepared dataset; {_LIST}')
    if options.json:
        print(json.dumps({'healthy': diagnosis.healthy, **to_json(diagnosis)}, indent=1))
    else:
        print('\n'.join(format_diagnosis(diagnosis)))
    return 0 if diagnosis.healthy else 1


def _parse(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    """Returns the options, and the settings `--config.FIELD=VALUE`."""
    parser = cli.make_parser('doctor')
    parser.add_argument(
        '--data-root',
        type=pathlib.Path,
        metavar='DIR',
        help='folder of the prepared datasets (default: that of the config, or data/prepared)',
    )
    parser.add_argument(
        '--config', metavar='NAME[:VARIANT]', help='also check this configuration and its leaks'
    )
    parser.add_argument('--json', action='store_true', help='print JSON')
    parser.add_argument(
        '--full',
        action='store_true',
        help=f'read the pixels of all images, not only of {SAMPLE_SIZE} per split',
    )
    options, settings = parser.parse_known_args(arguments)
    if settings and not options.config:
        parser.error(f'unknown arguments: {" ".join(settings)}; settings need --config NAME')
    return options, settings
