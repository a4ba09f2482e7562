"""Training that starts from a weight file."""

import dataclasses
import pathlib

import jax
import numpy as np
import pytest

from helpers import tiny_config, tiny_network
from helpers.networks import make_solver, make_state
from ubernet_jax.config import PAPER, Config, DetectionConfig, Initialisation, Pooling
from ubernet_jax.errors import UserError
from ubernet_jax.train import train
from ubernet_jax.training.state import TrainState, create_state
from ubernet_jax.weights.arrays import flatten, network_shapes
from ubernet_jax.weights.exported import TrainedNetwork, save_exported, write_file
from ubernet_jax.weights.initial import adopt_preprocessing, load_start

pytestmark = pytest.mark.slow

TRUNK = 'params/shared/trunk/conv1/conv1_1'


def make_config(weights: pathlib.Path | str = '') -> Config:
    config = tiny_config.get_config()
    config.model.weights = str(weights)
    return config


def start(config: Config) -> TrainState:
    return create_state(config, make_solver(config))


@pytest.fixture(scope='module')
def initial() -> TrainState:
    """The initial state without a file."""
    return start(make_config())


def write(path: pathlib.Path, arrays: dict[str, np.ndarray]) -> pathlib.Path:
    """Writes a part of a network with another preprocessing."""
    config = make_config()
    config.model.mean, config.model.std = (1.0, 2.0, 3.0), (4.0, 5.0, 6.0)
    write_file(path, arrays, config, 0, {})
    return path


def test_arrays_of_the_file_replace_random_arrays(initial, tmp_path, capsys):
    arrays = {
        f'{TRUNK}/kernel': np.full((3, 3, 3, 2), 7, np.float32),
        'batch_stats/trunk/conv1/norm_0/batches': np.float32(99),
        'params/saliency/fc7/bias': np.ones(2, np.float32),  # a task that is not trained
    }
    path = write(tmp_path / 'a.safetensors', arrays)
    state = start(make_config(path))
    used = list(arrays)[:2]
    started = flatten(state.params, state.batch_stats)
    for name, before in flatten(initial.params, initial.batch_stats).items():
        expected = arrays[name] if name in used else before
        assert isinstance(started[name], jax.Array)
        np.testing.assert_array_equal(started[name], expected)
    assert f'{path}: 2 of {len(started)} arrays' in capsys.readouterr().out


def test_the_preprocessing_of_the_file_is_adopted(tmp_path):
    path = write(tmp_path / 'a.safetensors', {f'{TRUNK}/bias': np.zeros(2, np.float32)})
    config = adopt_preprocessing(make_config(path))
    assert (config.model.mean, config.model.std) == ((1, 2, 3), (4, 5, 6))
    config.model.mean, config.model.std = make_config().model.mean, make_config().model.std
    assert config == make_config(path)
    assert adopt_preprocessing(make_config()) == make_config()


def test_the_pooling_that_the_weights_need_replaces_max_pooling(tmp_path):
    path = tmp_path / 'a.safetensors'
    cases = [  # in the file, in the configuration, adopted
        (Pooling.DILATED_MAX, Pooling.MAX, Pooling.DILATED_MAX),
        (Pooling.DILATED_MAX, Pooling.ALIGN, Pooling.ALIGN),
        (Pooling.MAX, Pooling.DILATED_MAX, Pooling.DILATED_MAX),
    ]
    for stored, chosen, adopted in cases:
        config = make_config()
        config.tasks['objects'] = PAPER['detection'](detector=DetectionConfig(pooling=stored))
        write_file(path, {f'{TRUNK}/bias': np.zeros(2, np.float32)}, config, 0, {})
        config = make_config(path)
        config.tasks['objects'] = PAPER['detection'](detector=DetectionConfig(pooling=chosen))
        tasks = adopt_preprocessing(config).tasks
        assert tasks['objects'].detector.pooling is adopted
        assert tasks['normals'] == config.tasks['normals']
        assert config.tasks['objects'].detector.pooling is chosen


def test_training_can_start_from_a_trained_network(initial, tmp_path):
    trained = make_state(make_config())
    path = tmp_path / 'a.safetensors'
    save_exported(TrainedNetwork(make_config(), 3, trained.params, trained.batch_stats), path)
    start = load_start(str(path), initial.params, initial.batch_stats)
    expected = (trained.params, trained.batch_stats)
    jax.tree.map(np.testing.assert_array_equal, (start.params, start.batch_stats), expected)


def test_a_task_with_other_classes_keeps_its_initial_layer(initial, tmp_path):
    name = 'params/segmentation/fc7/bias'
    arrays = {name: np.ones(5, np.float32), f'{TRUNK}/bias': np.ones(2, np.float32)}
    path = write(tmp_path / 'a.safetensors', arrays)
    start = load_start(str(path), initial.params, initial.batch_stats)
    assert start.summary.endswith(f': {name}')
    assert start.params['segmentation']['fc7']['bias'].shape == (21,)


def test_another_width_is_refused(initial, tmp_path):
    path = write(tmp_path / 'a.safetensors', {f'{TRUNK}/bias': np.zeros(64, np.float32)})
    with pytest.raises(
        UserError, match=r'a\.safetensors.*conv1_1/bias.*\(64,\).*--config\.model\.width'
    ):
        load_start(str(path), initial.params, initial.batch_stats)


def test_a_file_without_any_array_of_the_network_is_refused(initial, tmp_path):
    path = write(tmp_path / 'a.safetensors', {'params/parts/fc7/bias': np.zeros(7, np.float32)})
    with pytest.raises(UserError, match=r'a\.safetensors.*params/parts/fc7'):
        load_start(str(path), initial.params, initial.batch_stats)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r'nowhere\.safetensors cannot be read'):
        adopt_preprocessing(make_config(tmp_path / 'nowhere.safetensors'))


def write_parts(path: pathlib.Path, config: Config, without: str) -> pathlib.Path:
    """Writes all arrays of a network, except those of a layer."""
    arrays = {
        name: np.zeros(shape, np.float32)
        for name, shape in network_shapes(config).items()
        if f'/{without}/' not in name
    }
    return write(path, arrays)


def must_start_from(weights: pathlib.Path | str) -> Config:
    config = make_config(weights)
    config.model.initialisation = Initialisation.FILE
    config.tasks = tiny_network.make_tasks('parts', 'detection')
    return config


def test_a_run_that_must_start_from_a_file_is_refused_without_it(tmp_path):
    with pytest.raises(UserError, match=r'^model\.weights is empty(.|\n)*weights import (.|\n)*'
                       r'model\.weights=(.|\n)*model\.initialisation=imagenet'):  # fmt: skip
        train(must_start_from(''), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('without', 'layer'),
    [('fc/fc6', 'shared/trunk/fc/fc6'), ('box_head/fc7', 'detection/box_head/fc7')],
)
def test_a_file_without_fully_connected_layers_is_refused(without, layer, tmp_path):
    config = must_start_from(tmp_path / 'a.safetensors')
    write_parts(tmp_path / 'a.safetensors', config, without)
    with pytest.raises(UserError, match=rf'a\.safetensors lacks 1 layers .*: {layer}\.'):
        adopt_preprocessing(config)
    # A user can ask for less.
    config.model.initialisation = Initialisation.RANDOM
    assert adopt_preprocessing(config).model.mean == (1, 2, 3)


def test_a_file_with_another_detector_is_refused_and_one_without_heads_is_not(tmp_path):
    config = must_start_from(tmp_path / 'a.safetensors')
    write_parts(tmp_path / 'a.safetensors', config, without='parts')
    assert adopt_preprocessing(config).model.mean == (1, 2, 3)
    detector = config.tasks['detection'].detector
    config.tasks['detection'].detector = dataclasses.replace(detector, width=9)
    with pytest.raises(UserError, match=r'lacks 2 layers .*box_head/fc6, detection/box_head/fc7'):
        adopt_preprocessing(config)
