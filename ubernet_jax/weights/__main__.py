"""Writes a trained network as one portable file.

    python -m ubernet_jax.weights export --checkpoint runs/quickstart --out quickstart.safetensors

`--checkpoint` of evaluate and predict takes that file.
"""

import argparse
import pathlib

from ubernet_jax import cli
from ubernet_jax.checkpoint import CHECKPOINT_HELP, open_checkpoint
from ubernet_jax.weights.exported import SUFFIX, save_exported


def main() -> None:
    parser = argparse.ArgumentParser(prog='python -m ubernet_jax.weights', description=__doc__)
    commands = parser.add_subparsers(required=True)
    export = commands.add_parser('export', help=f'write one {SUFFIX} file')
    export.add_argument('--checkpoint', type=pathlib.Path, required=True, help=CHECKPOINT_HELP)
    export.add_argument('--out', type=pathlib.Path, required=True, help=f'FILE{SUFFIX}')
    arguments = parser.parse_args()
    save_exported(open_checkpoint(arguments.checkpoint), arguments.out)
    print(f'exported: {arguments.out}')


if __name__ == '__main__':
    cli.run(main)
