"""A bundle holds the training images of a configuration, and a configuration that uses them."""

import pathlib

import numpy as np
import pytest

from benchmarks.bundle import CONFIG, list_missing, prepare_datasets, write_first_weights
from helpers.half_labelled import WEEDS, write_set
from ubernet_jax import config as c
from ubernet_jax.config.flags import load_config
from ubernet_jax.datasets.reading import open_dataset
from ubernet_jax.errors import UserError
from ubernet_jax.weights.exported import read_file


@pytest.fixture
def garden(tmp_path: pathlib.Path) -> c.Config:
    write_set(tmp_path, 'garden', {'plants': WEEDS}, {'train': 2, 'test': 1})
    return c.Config(
        steps=1,
        data=c.DataConfig(train=[c.DatasetConfig(name='folder/garden', split='train')]),
        evaluation=c.EvaluationConfig(
            benchmarks=[c.DatasetConfig(name='folder/garden', split='test')]
        ),
    )


@pytest.mark.parametrize('with_tests', [False, True])
def test_only_the_splits_that_are_used_are_packed(garden, tmp_path, with_tests):
    folder = tmp_path / 'bundle'
    options = ['--source', str(tmp_path), '--max-side', '40', '--jpeg-quality', '80']
    prepare_datasets(garden, folder, options, with_tests)
    train = open_dataset('folder/garden', 'train', folder)
    assert train[1].image.shape == (20, 40, 3)
    test = open_dataset('folder/garden', 'test', folder)
    if with_tests:
        assert test[0].labels
    else:
        with pytest.raises(UserError, match='folder/garden:test'):
            _ = test[0]


def test_wheels_are_those_that_a_machine_for_deep_learning_lacks():
    missing = list_missing()
    assert {'tensorflow-datasets', 'grain', 'tqdm'} <= set(missing)
    assert 'dm-tree' in missing  # required by grain and tensorflow-datasets
    assert not {'jax', 'flax', 'numpy', 'scipy', 'ubernet-jax', 'pyarrow'} & set(missing)


def test_the_first_weights_of_a_configuration(tmp_path):
    start = tmp_path / 'start.safetensors'
    random = c.Config(steps=1, model=c.ModelConfig(initialisation=c.Initialisation.RANDOM))
    assert not write_first_weights(random, start)
    assert not start.exists()
    assert write_first_weights(c.Config(steps=1), start)
    assert 29e6 < start.stat().st_size < 30e6  # 14.7 million numbers of 2 bytes
    assert {array.dtype for array in read_file(start).arrays.values()} == {np.dtype(np.float32)}


def test_the_packed_configuration_finds_its_folder_from_anywhere(tmp_path, monkeypatch):
    path = tmp_path / 'config.py'
    path.write_text(CONFIG.format(doc='"""', name='quickstart') + '    return config\n')
    monkeypatch.chdir(tmp_path.parent)
    config = load_config(str(path))
    assert config.name == 'quickstart'
    assert config.data.directory == str(tmp_path / 'prepared')
