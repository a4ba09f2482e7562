"""Settings and fixtures of all tests: strict JAX, fast compilation, shared datasets."""

import gc
import os
import pathlib
import resource
import shutil
from collections.abc import Iterator

import jax
import numpy as np
import pytest
from PIL import Image

from helpers import tiny_network
from helpers.prepared_sets import assert_whole_shards
from helpers.shared import make_once, shared_root
from helpers.tiny_datasets import write_folder
from ubernet_jax import prepare
from ubernet_jax.datasets.builders.scenes import draw_scene
from ubernet_jax.errors import UserError
from ubernet_jax.weights.exported import save_exported

jax.config.update('jax_numpy_rank_promotion', 'raise')
# Compilation for a CPU takes a seventh of the time; results are the same up to rounding.
# Subprocesses inherit the flags. XLA ends the process if it does not know a flag.
FLAGS = '--xla_backend_optimization_level=0'
if jax.__version_info__ < (0, 11):
    # Programs of this size gain nothing from the modules that are compiled side by side.
    FLAGS += ' --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1'
os.environ['XLA_FLAGS'] = f'{os.environ.get("XLA_FLAGS", "")} {FLAGS}'
# Tracing makes many objects and little cyclic garbage: with Python's threshold of 700 objects, the
# search for garbage takes a fifth of its time.
gc.set_threshold(100_000)
MEMORY = 2 * 2**30  # bytes of a test process above which compiled programs are forgotten


@pytest.fixture(scope='session')
def data_root() -> pathlib.Path:
    """The folder of real datasets that UBERNET_DATA names; skips the test if it is not set."""
    root = os.environ.get('UBERNET_DATA')
    if not root:
        pytest.skip('UBERNET_DATA is not set: it names the folder of real datasets')
    return pathlib.Path(root).resolve()


@pytest.fixture(scope='session', autouse=True)
def compilation_cache(tmp_path_factory) -> None:
    """Keeps compiled programs on disk, for all tests, test workers and subprocesses."""
    directory = str(shared_root(tmp_path_factory) / 'compiled')
    directory = os.environ.setdefault('JAX_COMPILATION_CACHE_DIR', directory)
    seconds = os.environ.setdefault('JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS', '0.2')
    jax.config.update('jax_compilation_cache_dir', directory)
    jax.config.update('jax_persistent_cache_min_compile_time_secs', float(seconds))


@pytest.fixture(scope='module', autouse=True)
def bounded_memory() -> Iterator[None]:
    """Forgets compiled programs, which JAX keeps (a megabyte even for a sum), if they are many."""
    yield
    resident = int(pathlib.Path('/proc/self/statm').read_text().split()[1])
    if resident * resource.getpagesize() > MEMORY:
        jax.clear_caches()
        gc.collect()


@pytest.fixture(scope='session')
def prepared(tmp_path_factory) -> pathlib.Path:
    """A prepared folder dataset; tests must not change it."""
    return make_once(tmp_path_factory, 'tiny', prepare_tiny) / 'prepared'


def prepare_tiny(root: pathlib.Path) -> None:
    """Prepares four training scenes and two test scenes; some are labelled for one task only."""
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


@pytest.fixture(scope='session')
def exported(tmp_path_factory) -> pathlib.Path:
    """The tiny network for all tasks, as an exported file; tests must not change it."""
    name = 'tiny.safetensors'
    folder = make_once(
        tmp_path_factory,
        'exported',
        lambda folder: save_exported(tiny_network.make_trained(), folder / name),
    )
    return folder / name


@pytest.fixture
def tiny(tmp_path) -> pathlib.Path:
    """The training split of `folder/tiny`."""
    write_folder(tmp_path)
    return tmp_path / 'folder' / 'tiny' / 'train'


@pytest.fixture
def refuses(tmp_path):
    """Checks that preparing a dataset of tmp_path fails with all `parts` in its message.

    No file may remain, except complete shards of other images, from which the build would resume.
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
        remaining = set(tmp_path.rglob('*')) - before
        assert not [path for path in remaining if path.is_file()]

    return check
