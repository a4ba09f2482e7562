"""Keeps the results of visitors as files, because a result of a large photograph takes 30 MB."""

import os
import pathlib
import pickle
import shutil
import tempfile

from ubernet_jax.inference.predictions import Predictions


def store(result: Predictions) -> str:
    """Writes a result to a temporary file; returns its path, which no visitor may choose."""
    handle, path = tempfile.mkstemp('.pickle')
    with os.fdopen(handle, 'wb') as file:
        pickle.dump(result, file, pickle.HIGHEST_PROTOCOL)
    return path


def load(path: str) -> Predictions | None:
    """Reads a result of `store`; None if its file was deleted meanwhile."""
    try:
        return pickle.loads(pathlib.Path(path).read_bytes())
    except FileNotFoundError:
        return None


def pack(result: Predictions) -> str:
    """Writes the files of a result to a temporary zip file; returns its path."""
    with tempfile.TemporaryDirectory() as folder:
        result.save(folder)
        return shutil.make_archive(f'{tempfile.mkdtemp()}/ubernet', 'zip', folder)
