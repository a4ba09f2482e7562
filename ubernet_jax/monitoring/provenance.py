"""The provenance of a run: command, commit and machine, so that its scores can be reproduced."""

import os
import pathlib
import platform
import shlex
import subprocess
import sys

import jax

import ubernet_jax
from ubernet_jax.json_file import write_json

PROVENANCE_FILE = 'provenance.json'
UNKNOWN = 'unknown'


def write_provenance(workdir: pathlib.Path, weights: str = '') -> None:
    """Writes `WORKDIR/provenance.json`: command, commit and machine of this process.

    A resumed run has the provenance of its last start.

    Args:
      workdir: folder of the run.
      weights: identity of the file that the network starts from, if it was fetched.
    """
    facts = {'command': _command(), 'commit': _commit(), 'machine': _machine()}
    if weights:
        facts['weights'] = weights
    write_json(workdir / PROVENANCE_FILE, facts)


def _command() -> str:
    specification = sys.modules['__main__'].__spec__
    if specification:
        program = f'python -m {specification.name.removesuffix(".__main__")}'
    else:
        program = pathlib.Path(sys.argv[0]).name  # `ubernet`
    return ' '.join([program, shlex.join(sys.argv[1:])]).strip()


def _commit() -> str:
    """The commit of the checkout with the package; `-dirty` if tracked files were changed."""
    root = pathlib.Path(ubernet_jax.__file__).parents[1]
    if not (root / '.git').exists():  # installed, perhaps inside another checkout
        return UNKNOWN
    words = ['git', '-C', str(root), 'describe', '--always', '--dirty', '--exclude=*']
    try:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (FileNotFoundError, subprocess.CalledProcessError):
        return UNKNOWN


def _machine() -> str:
    devices = jax.devices()
    accelerator = '' if devices[0].platform == 'cpu' else f'{len(devices)} {devices[0].device_kind}'
    parts = (
        accelerator,
        f'{os.cpu_count()} CPU cores',
        platform.machine(),
        f'Python {platform.python_version()}',
        f'jax {jax.__version__}',
    )
    return ', '.join(part for part in parts if part)
