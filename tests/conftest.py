"""Settings and fixtures of all tests: strict JAX, warnings as errors, where real data lies."""

import os
import pathlib
import shutil

import jax
import numpy as np
import pytest
from PIL import Image

from helpers import tiny_network
from helpers.tiny_datasets import assert_whole_shards, write_folder
from ubernet_jax import prepare
from ubernet_jax.datasets.builders.scenes import draw_scene
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
def prepared(tmp_path_factory) -> pathlib.Path:
    """A prepared folder dataset; some scenes are labelled for one task only."""
    root = tmp_path_factory.mktemp('tiny')
    for split, seeds in {'train': range(4), 'test': range(4, 6)}.items():
        for seed in seeds:
            example = draw_scene(seed, 33, 65)
            files = {f'images/{seed}.png': example.image}
            if seed != 1:
                files[f'segmentation/{seed}.png'] = example.labels['segmentation']
            for name, array in files.items():
                path = root / 'tiny' / split / name
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(array).save(path)
            if seed != 2:
                normals = root / 'tiny' / split / 'normals'
                normals.mkdir(exist_ok=True)
                np.save(normals / f'{seed}.npy', example.labels['normals'])
    prepare.main(['folder/tiny', '--source', str(root), '--directory', str(root / 'prepared')])
    return root / 'prepared'


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
    """Checks that preparing a set of tmp_path fails, saying all `parts`, and leaves nothing.

    But for whole shards of other images, from which the build would continue.
    """

    def check(name: str, *parts: object, source: pathlib.Path = tmp_path) -> None:
        directory = tmp_path / 'prepared'
        before = set(tmp_path.rglob('*'))
        with pytest.raises(UserError) as error:
            prepare.main([name, '--source', str(source), '--directory', str(directory)])
        for part in parts:
            assert str(part) in str(error.value)
        for folder in directory.rglob('unfinished-*'):
            assert_whole_shards(folder)
            shutil.rmtree(folder)
        left = set(tmp_path.rglob('*')) - before
        assert not [path for path in left if path.is_file()]

    return check
