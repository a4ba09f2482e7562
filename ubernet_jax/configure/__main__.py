"""The command `ubernet configure`."""

from ubernet_jax import cli
from ubernet_jax.configure.command import main

if __name__ == '__main__':
    cli.run(main)
