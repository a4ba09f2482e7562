"""Settings and fixtures of all tests: strict JAX, warnings as errors, where real data lies."""

import os
import pathlib

import jax
import pytest

jax.config.update('jax_numpy_rank_promotion', 'raise')


@pytest.fixture(scope='session')
def data_root() -> pathlib.Path:
    """The folder of real data sets that UBERNET_DATA names; skips the test without it."""
    root = os.environ.get('UBERNET_DATA')
    if not root:
        pytest.skip('UBERNET_DATA is not set: it names the folder with the real data sets')
    return pathlib.Path(root).resolve()


@pytest.fixture(scope='session', autouse=True)
def compilation_cache(tmp_path_factory) -> None:
    """Programs that several tests or their subprocesses compile are compiled once."""
    directory = str(tmp_path_factory.mktemp('compiled'))
    os.environ['JAX_COMPILATION_CACHE_DIR'] = directory
    jax.config.update('jax_compilation_cache_dir', directory)
    jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.5)
