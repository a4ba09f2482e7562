"""Settings and fixtures of all tests: strict JAX, warnings as errors, where real data lies."""

import os
import pathlib

import jax
import pytest
import tiny_network
from tiny_datasets import write_folder

from ubernet_jax import prepare
from ubernet_jax.errors import UserError
from ubernet_jax.weights.exported import save_exported

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


@pytest.fixture(scope='session')
def exported(tmp_path_factory) -> pathlib.Path:
    """The tiny network for all tasks, as an exported file."""
    path = tmp_path_factory.mktemp('exported') / 'tiny.safetensors'
    save_exported(tiny_network.make_trained(), path)
    return path


@pytest.fixture
def tiny(tmp_path) -> pathlib.Path:
    """The training split of `folder/tiny`."""
    write_folder(tmp_path)
    return tmp_path / 'folder' / 'tiny' / 'train'


@pytest.fixture
def refuses(tmp_path):
    """Checks that preparing a set of tmp_path fails, saying all `parts`, and leaves nothing."""

    def check(name: str, *parts: object, source: pathlib.Path = tmp_path) -> None:
        directory = tmp_path / 'prepared'
        before = set(tmp_path.rglob('*'))
        with pytest.raises(UserError) as error:
            prepare.main([name, '--source', str(source), '--directory', str(directory)])
        for part in parts:
            assert str(part) in str(error.value)
        assert set(tmp_path.rglob('*')) == before

    return check
