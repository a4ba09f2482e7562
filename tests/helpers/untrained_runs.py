"""Runs of the tiny configuration that are saved before their first step."""

import pathlib

from helpers import tiny_config
from ubernet_jax import config as c
from ubernet_jax.train import train


def make_config(prepared: pathlib.Path) -> c.Config:
    """The tiny configuration, for these prepared datasets."""
    config = tiny_config.get_config()
    config.data.directory = str(prepared)
    return config


def save_untrained(prepared: pathlib.Path, workdir: pathlib.Path, seed: int = 0) -> None:
    """Saves a network that was to be trained on `folder/tiny`."""
    config = make_config(prepared)
    config.steps, config.seed = 0, seed
    train(config, workdir)
