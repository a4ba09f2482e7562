"""The command `ubernet score`, which is `python -m ubernet_jax.metrics`."""

from ubernet_jax import cli
from ubernet_jax.scoring.command import main

if __name__ == '__main__':
    cli.run(main)
