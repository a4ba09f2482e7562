"""Checks the machine, prepared datasets and a configuration: python -m ubernet_jax.doctor."""

import sys

from ubernet_jax import cli
from ubernet_jax.doctor.command import main

if __name__ == '__main__':
    cli.run(lambda: sys.exit(main()))
