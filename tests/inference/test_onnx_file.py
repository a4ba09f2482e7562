"""onnxruntime computes the scores of the network from an exported ONNX file."""

import dataclasses
import json
import shlex

import jax
import numpy as np
import pytest

from helpers import plain_network, tiny_network
from ubernet_jax import config as c
from ubernet_jax import export
from ubernet_jax.errors import UserError
from ubernet_jax.inference import onnx_file
from ubernet_jax.inference.predictor import apply
from ubernet_jax.models.trunks import TRUNKS, describe_vit
from ubernet_jax.models.vit_specs import VITS
from ubernet_jax.network import make_network
from ubernet_jax.weights.exported import TrainedNetwork
from ubernet_jax.weights.trained import open_checkpoint

pytestmark = pytest.mark.slow

REGISTERS_AND_ROTATIONS = c.Trunk.VIT_SMALL_PATCH14_REG4_DINOV2, c.Trunk.VIT_SMALL_PATCH16_DINOV3


@pytest.fixture
def runtime():
    """onnxruntime, if the extra is installed."""
    pytest.importorskip('jax2onnx', reason='the extra `onnx` (jax2onnx) is not installed')
    return pytest.importorskip('onnxruntime', reason='the extra `onnx` is not installed')


def check_scores(runtime, trained: TrainedNetwork, path, tasks: tuple[str, ...], size) -> None:
    """Compares the outputs of a file with those of a network in float32, to 1e-4."""
    model = dataclasses.replace(trained.config.model, precision=c.Precision.FLOAT32)
    network = make_network(dataclasses.replace(trained.config, model=model))
    image = np.random.default_rng(1).integers(0, 256, (1, *size, 3), np.uint8)
    expected = apply(network, trained.params, trained.batch_stats, image, tasks)
    session = runtime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    assert sorted(names) == sorted(tasks)
    for name, scores in zip(names, session.run(None, {'image': image}), strict=True):
        largest = np.abs(expected[name]).max()
        np.testing.assert_allclose(scores, expected[name], atol=1e-4 * largest, err_msg=name)


def test_tasks_of_a_vgg(runtime, exported, tmp_path, capsys):
    tasks, out = ('saliency', 'normals', 'parts'), tmp_path / 'a' / 'net.onnx'
    export.main([str(exported), '--out', str(out), '--size', '33x65', '--tasks', *tasks])
    check_scores(runtime, open_checkpoint(exported), out, tasks, (33, 65))
    assert [path.name for path in out.parent.iterdir() if not path.name.startswith('.')] == [
        'net.onnx'
    ]

    metadata = runtime.InferenceSession(out).get_modelmeta().custom_metadata_map
    description = {key: json.loads(value) for key, value in metadata.items()}
    assert description['image']['shape'] == [1, 33, 65, 3] and description['step'] == 3
    assert set(description['outputs']) == set(tasks)
    assert description['outputs']['parts']['stride'] == 8
    printed = capsys.readouterr().out
    measured = json.loads(printed.rpartition('\n}')[0] + '}')
    assert set(measured['largest_difference']) == set(tasks) and measured['seconds'] > 0
    python, option, code = shlex.split(printed.splitlines()[-1].removeprefix('next: '))
    exec(code)
    assert (python, option) == ('python', '-c')
    assert 'saliency' in capsys.readouterr().out


def make_trained(trunk: c.Trunk, **settings) -> TrainedNetwork:
    config = c.Config(
        steps=1,
        tasks=tiny_network.make_tasks('boundaries', 'parts'),
        model=c.ModelConfig(trunk=trunk, width=1 / 16, scales=1, **settings),
    )
    return TrainedNetwork(config, 1, *plain_network.random_variables(make_network(config)))


def test_a_resnet_of_another_precision_computes_in_float32(runtime, tmp_path):
    trained, out = make_trained(c.Trunk.RESNET50, precision=c.Precision.BFLOAT16), tmp_path / 'net'
    onnx_file.export_onnx(trained, ('boundaries', 'parts'), (33, 65), {}, out)
    check_scores(runtime, trained, out, ('boundaries', 'parts'), (33, 65))


@pytest.mark.parametrize(
    'trunk', [c.Trunk.VIT_SMALL_PATCH14_REG4_DINOV2, c.Trunk.VIT_SMALL_PATCH16_DINOV3]
)
def test_a_vision_transformer(trunk, runtime, tmp_path, monkeypatch):
    spec = dataclasses.replace(VITS[trunk], depth=2, taps=(0, 1))
    monkeypatch.setitem(TRUNKS, trunk, describe_vit(spec))
    trained, out = make_trained(trunk), tmp_path / 'net.onnx'
    size = 2 * spec.patch, 5 * spec.patch
    onnx_file.export_onnx(trained, ('parts',), size, {}, out)
    check_scores(runtime, trained, out, ('parts',), size)


def test_other_scores_are_refused_and_nothing_is_written(runtime, tmp_path, monkeypatch):
    out, image = tmp_path / 'net.onnx', jax.ShapeDtypeStruct((1, 2, 2, 3), np.uint8)
    onnx_file.convert(lambda x: {'a': x * 1.0, 'b': x * 2.0}, image, {}, out)
    with pytest.raises(UserError, match=r'net\.onnx.*for b .*--tasks'):
        onnx_file.measure(lambda x: {'a': x * 1.0, 'b': x * 3.0}, image, out)


def test_an_unknown_operation_is_named(runtime, tmp_path):
    image = jax.ShapeDtypeStruct((1, 2, 2, 3), np.uint8)

    def call_host(x: jax.Array) -> dict[str, jax.Array]:
        return {'a': jax.pure_callback(np.negative, x, x)}

    with pytest.raises(UserError, match=r'net\.onnx.*pure_callback.*--tasks'):
        onnx_file.convert(call_host, image, {}, tmp_path / 'net.onnx')
    assert not list(tmp_path.iterdir())


def test_the_detector_is_refused_with_the_other_tasks(exported, monkeypatch, tmp_path):
    monkeypatch.setattr(export, 'require_converter', lambda: None)
    words = [str(exported), '--out', str(tmp_path / 'net.onnx')]
    with pytest.raises(UserError, match=r'detection.*--tasks .*saliency.*--out DIR'):
        export.main(words)
    with pytest.raises(UserError, match=r'--weights outside'):
        export.main([*words, '--weights', 'outside'])


def test_the_error_for_a_missing_extra_names_it(exported, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, 'CONVERTER', 'no_such_package')
    with pytest.raises(UserError, match=r'pip install "ubernet_jax\[onnx\]"'):
        export.main([str(exported), '--out', str(tmp_path / 'net.onnx')])
