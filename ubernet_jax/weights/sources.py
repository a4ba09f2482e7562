"""Finds the file or folder that the name of a network or of weights stands for.

A name is the path of a workdir, a checkpoint or a file; `reference`, the network in the package; or
in the Hugging Face hub, `hf://OWNER/NAME`.
"""

import os
import pathlib

from ubernet_jax.weights.hub import is_hub_name, parse_address
from ubernet_jax.weights.hub_fetch import fetch
from ubernet_jax.weights.reference import locate
from ubernet_jax.weights.urls import refuse_url


def find_source(name: str | os.PathLike) -> pathlib.Path:
    """Returns the local path for a name; fetches what is in the hub.

    Raises:
      UserError: the name is the URL of something else, or cannot be fetched; see `hub_fetch.fetch`.
    """
    if is_hub_name(name):
        return fetch(os.fspath(name)).path
    refuse_url(name)
    return locate(pathlib.Path(name))


def describe_hub_source(name: str | os.PathLike) -> str:
    """Returns the commit and SHA-256 of what is in the hub, for provenance; else nothing."""
    if not is_hub_name(name):
        return ''
    fetched = fetch(os.fspath(name))
    return f'{fetched.source} (SHA-256 {fetched.sha256})'


def results_base(name: pathlib.Path) -> pathlib.Path:
    """Returns the path that results of a network are written beside.

    It is the path of the network itself, or the name of its repository in the working directory.
    """
    if not is_hub_name(name):
        return name
    return pathlib.Path(parse_address(name).repository.rpartition('/')[2])
