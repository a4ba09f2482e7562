"""The command `ubernet doctor`."""

from ubernet_jax import cli
from ubernet_jax.doctor.command import main

if __name__ == '__main__':
    cli.run(main)
