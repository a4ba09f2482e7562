"""Exported files: round trip, size, model card, and files that are refused."""

import json
import shutil

import jax
import numpy as np
import pytest
import safetensors.numpy

from helpers import tiny_config
from helpers.networks import make_state
from ubernet_jax.config import PAPER, Config, Initialisation, ModelConfig
from ubernet_jax.errors import UserError
from ubernet_jax.metrics.saliency import SaliencyResult
from ubernet_jax.network import SHARED
from ubernet_jax.weights import __main__
from ubernet_jax.weights.arrays import flatten, network_shapes, unflatten
from ubernet_jax.weights.card import describe_training, select_results
from ubernet_jax.weights.digest import digest_arrays
from ubernet_jax.weights.exported import (
    TrainedNetwork,
    load_exported,
    read_file,
    save_exported,
    write_file,
)
from ubernet_jax.weights.imagenet import load_imagenet_trunk
from ubernet_jax.weights.initial import load_start
from ubernet_jax.weights.package_weights import find_package


@pytest.fixture(scope='module')
def trained() -> TrainedNetwork:
    state = make_state(tiny_config.get_config())
    return TrainedNetwork(tiny_config.get_config(), 6, state.params, state.batch_stats)


@pytest.mark.parametrize('name', ['network.bin', 'network', 'folder.safetensors'])
def test_a_path_that_cannot_be_loaded_is_refused(tmp_path, name):
    (tmp_path / 'folder.safetensors').mkdir()
    with pytest.raises(UserError, match=rf'--out is .*{name}.*\.safetensors'):
        save_exported(TrainedNetwork(Config(), 0, {}, {}), tmp_path / name)


@pytest.mark.parametrize('dtype', [np.float32, np.float16])
def test_a_saved_network_is_loaded_in_float32(trained, dtype, tmp_path):
    path = tmp_path / 'a.safetensors'
    save_exported(trained, path, dtype)
    loaded = load_exported(path)
    assert loaded.config == trained.config and loaded.step == 6

    def compare(actual: np.ndarray, expected: jax.Array) -> None:
        assert actual.dtype == np.float32
        np.testing.assert_array_equal(actual, np.asarray(expected).astype(dtype))

    jax.tree.map(compare, loaded.params, trained.params)
    # Statistics are not rounded to float16, which cannot hold variances of large activations.
    jax.tree.map(np.testing.assert_array_equal, loaded.batch_stats, trained.batch_stats)


def test_an_export_of_some_tasks_is_a_complete_network(exported, tmp_path, monkeypatch):
    path = tmp_path / 'a.safetensors'
    words = ['--checkpoint', exported, '--out', path, '--tasks', 'parts', 'normals']
    monkeypatch.setattr('sys.argv', ['weights', 'export', *map(str, words)])
    __main__.main()
    restricted, complete = load_exported(path), load_exported(exported)
    assert list(restricted.config.tasks) == ['normals', 'parts']
    kept = {name: complete.params[name] for name in ('shared', 'normals', 'parts')}
    jax.tree.map(np.testing.assert_array_equal, restricted.params, kept)
    card = read_file(path).card
    assert card['tasks'] == ['normals', 'parts']


def test_a_parameter_that_float16_cannot_hold_is_named(trained, tmp_path):
    bias = trained.params['normals']['fc7']['bias'] + 70_000
    layer = trained.params['normals']['fc7'] | {'bias': bias}
    head = trained.params['normals'] | {'fc7': layer}
    large = trained._replace(params=trained.params | {'normals': head})
    with pytest.raises(UserError, match='params/normals/fc7/bias.* 7.*float16'):
        save_exported(large, tmp_path / 'a.safetensors', np.float16)
    save_exported(large, tmp_path / 'a.safetensors')


def test_dense_tasks_at_full_width_take_less_than_45_megabytes_in_float16():
    tasks = {name: make() for name, make in PAPER.items() if name != 'detection'}
    shapes = network_shapes(Config(tasks=tasks))
    sizes = {'params': 2, 'batch_stats': 4}
    total = sum(sizes[name.split('/')[0]] * np.prod(shape) for name, shape in shapes.items())
    assert 41e6 < total < 45e6


def test_the_model_card_has_training_data_and_scores(trained, tmp_path):
    results = tmp_path / 'results' / '00000006'
    results.mkdir(parents=True)
    result = SaliencyResult(
        protocol={'overlap': 0.5}, images=3, max_f=0.123456, max_f_per_image=0.1, mae=float('nan'),
        miou_15=0.2, precision=np.ones(3), recall=np.ones(3),
    )  # fmt: skip
    provenance = {
        'task': 'segmentation',
        'result': 'segmentation',
        'dataset': 'voc2012',
        'split': 'val',
    }
    tasks = tuple(trained.config.tasks)
    document = {'network': 'ours', **provenance, **result.to_json()}
    for name, fields in {
        'a': {},
        'b': {'task': 'parts'},
        'c': {'network': 'theirs'},
        'd': {'network': None},
    }.items():
        (results / f'{name}.json').write_text(json.dumps(document | fields))
    selected = select_results(results, 'ours', tasks)
    assert [path.name for path in selected.left_out] == ['b.json', 'c.json', 'd.json']
    assert 'parts' in selected.left_out[results / 'b.json']
    assert 'theirs' in selected.left_out[results / 'c.json']
    path = tmp_path / 'a.safetensors'
    save_exported(trained, path, card=describe_training(trained.config, selected.scores))
    card = read_file(path).card
    assert card == {
        'preprocessing': {
            'channels': 'RGB',
            'range': 255,
            'mean': [123.675, 116.28, 103.53],
            'std': [58.395, 57.12, 57.375],
        },
        'tasks': ['normals', 'segmentation'],
        'training_data': ['folder/tiny:train'],
        'scores': [
            {**provenance, 'images': 3, 'protocol': {'overlap': 0.5}, 'scores': {'max_f': 0.1235}}
        ],
    }
    assert select_results(tmp_path / 'none', 'ours', tasks) == ([], {})
    (results / 'e.json').write_text(json.dumps({'network': 'ours', **provenance, 'miou': 0.5}))
    with pytest.raises(UserError, match=r'e\.json.* 0\.2'):
        select_results(results, 'ours', tasks)


def test_export_leaves_out_results_of_another_network(exported, tmp_path, monkeypatch, capsys):
    source = tmp_path / 'a.safetensors'
    shutil.copy(exported, source)
    network = load_exported(source)
    results = tmp_path / 'a' / 'results' / f'{network.step:08d}'
    results.mkdir(parents=True)
    score = {'name': 'miou', 'label': 'mIoU', 'unit': '', 'lower_is_better': False, 'main': True}
    for task, digest in {
        'parts': digest_arrays(flatten(network.params, network.batch_stats)),
        'normals': '0123456789abcdef',
    }.items():
        document = {'task': task, 'network': digest, 'scores': [score | {'value': 0.5}]}
        (results / f'{task}.json').write_text(json.dumps(document))
    # The digest is that of all tasks in float32, as `evaluate` opens them.
    out = tmp_path / 'b.safetensors'
    words = ['--checkpoint', source, '--out', out, '--dtype', 'float16', '--tasks']
    words += ['parts', 'normals']
    monkeypatch.setattr('sys.argv', ['weights', 'export', *map(str, words)])
    __main__.main()
    assert read_file(out).card['scores'] == [{'task': 'parts', 'scores': {'miou': 0.5}}]
    *_, left_out, last = capsys.readouterr().out.splitlines()
    assert str(results / 'normals.json') in left_out and '0123456789abcdef' in left_out
    assert '1 results' in last


def test_an_incomplete_network_is_refused(trained, tmp_path):
    path = tmp_path / 'a.safetensors'
    kernel = np.zeros((3, 3, 3, 2), np.float32)
    write_file(path, {'params/shared/trunk/conv1/conv1_1/kernel': kernel}, trained.config, 0, {})
    with pytest.raises(UserError, match=r'a\.safetensors.*model\.weights=FILE'):
        load_exported(path)


METADATA = {
    'format': 'ubernet_jax',
    'step': '0',
    'config': '{"steps": 0, "tasks": {"normals": {"kind": "normals"}}}',
}


@pytest.mark.parametrize(
    ('metadata', 'message'),
    [
        ({}, r'ubernet weights'),
        ({'format': 'pt'}, r'ubernet weights'),
        ({'format': 'ubernet_jax'}, "metadata.*'config'"),
        (METADATA | {'config': '{"tasks": '}, 'config.*JSON'),
        (METADATA | {'config': '[]'}, r'config.*\[\]'),
        (
            METADATA | {'config': '{"steps": 0, "tasks": {"shared": {"kind": "normals"}}}'},
            "tasks.*'shared'",
        ),
        (METADATA | {'config': '{"steps": "x"}'}, r"config\.steps.*'x'.*int"),
        (METADATA, r'arrays.*--config\.model\.weights=FILE'),
    ],
)
def test_other_safetensors_files_are_refused(metadata, message, tmp_path):
    path = tmp_path / 'a.safetensors'
    safetensors.numpy.save_file({'a': np.zeros(2)}, path, metadata)
    with pytest.raises(UserError, match=f'{path}.*{message}'):
        load_exported(path)


def test_a_truncated_file_is_refused(trained, tmp_path):
    path = tmp_path / 'a.safetensors'
    save_exported(trained, path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UserError, match=f'{path} cannot be read'):
        load_exported(path)


def test_arrays_of_a_package_are_left_out_and_added_when_the_file_is_read(tmp_path):
    # A network of the extra `imagenet`, at full width, of whose trunk one array was trained.
    config = tiny_config.get_config()
    config.model = ModelConfig(scales=1)
    state = make_state(config)
    arrays = flatten({**state.params, SHARED: load_imagenet_trunk(state.params[SHARED])}, {})
    changed = 'params/shared/trunk/conv5/conv5_3/bias'
    arrays[changed] = arrays[changed] + 1
    params, _ = unflatten(arrays | flatten({}, state.batch_stats))
    path = tmp_path / 'a.safetensors'
    trained = TrainedNetwork(config, 1, params, state.batch_stats)
    save_exported(trained, path, package=find_package(config.model))
    stored = [name for name in read_file(path).arrays if name.startswith('params/shared/trunk/c')]
    assert stored == [changed]
    jax.tree.map(np.testing.assert_array_equal, load_exported(path).params, params)
    zeros = jax.tree.map(np.zeros_like, params)  # training starts from the same arrays
    start = load_start(str(path), zeros, state.batch_stats)
    jax.tree.map(np.testing.assert_array_equal, start.params, params)


def test_only_weights_of_packages_can_be_left_out():
    with pytest.raises(UserError, match="model.weights is 'a.safetensors'"):
        find_package(ModelConfig(weights='a.safetensors'))
    with pytest.raises(UserError, match='initialisation random'):
        find_package(ModelConfig(initialisation=Initialisation.RANDOM))


def test_an_unknown_package_is_refused(trained, tmp_path):
    path = tmp_path / 'a.safetensors'
    save_exported(trained, path, card={'package': 'nothing'})
    with pytest.raises(UserError, match="unknown package of weights 'nothing'"):
        load_exported(path)
