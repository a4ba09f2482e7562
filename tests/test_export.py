"""The exported program, read by JAX without this package, gives the outputs of the network."""

import importlib.util
import json
import re
import shlex

import jax
import jax.export
import numpy as np
import pytest
import safetensors.numpy

from ubernet_jax import export
from ubernet_jax.errors import UserError
from ubernet_jax.export import export_network
from ubernet_jax.inference.predictor import apply
from ubernet_jax.labels.standard import VOC_CLASSES
from ubernet_jax.network import make_network
from ubernet_jax.tasks import PAPER
from ubernet_jax.weights.trained import open_checkpoint

pytestmark = pytest.mark.slow

needs_flatbuffers = pytest.mark.skipif(
    importlib.util.find_spec('flatbuffers') is None,
    reason='the extra `export` (flatbuffers) is not installed',
)


@pytest.fixture(scope='module')
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, 33, 65, 3), np.uint8)


@pytest.fixture(scope='module')
def expected(exported, image) -> dict:
    config, _, params, batch_stats = open_checkpoint(exported)
    return apply(make_network(config), params, batch_stats, image, tuple(PAPER))


@needs_flatbuffers
@pytest.mark.parametrize('weights', ['inside', 'outside'])
def test_the_program_gives_the_outputs_of_the_network(
    weights, exported, image, expected, tmp_path, monkeypatch, capsys
):
    words = [str(exported), '--out', str(tmp_path), '--size', '33x65', '--weights', weights]
    monkeypatch.setattr('sys.argv', ['export', *words])
    export.main()
    program = jax.export.deserialize(bytearray((tmp_path / 'network.stablehlo').read_bytes()))
    arguments = [image]
    if weights == 'outside':
        arguments.insert(0, safetensors.numpy.load_file(tmp_path / 'weights.safetensors'))
    results = program.call(*arguments)
    detection = results.pop('detection')
    for name, scores in results.items():
        np.testing.assert_allclose(scores, expected[name], atol=1e-5 * np.abs(scores).max())
    np.testing.assert_allclose(detection['boxes'], expected['detection'].boxes, atol=1e-2)
    np.testing.assert_array_equal(detection['classes'], expected['detection'].classes)
    np.testing.assert_allclose(detection['scores'], expected['detection'].scores, atol=1e-5)
    np.testing.assert_array_equal(detection['valid'], expected['detection'].valid)

    report = json.loads((tmp_path / 'export.json').read_text())
    assert list(report['outputs']) == list(PAPER) and report['image']['shape'] == [1, 33, 65, 3]
    segmentation, detection = report['outputs']['segmentation'], report['outputs']['detection']
    assert segmentation['stride'] == 8 and 'stride' not in detection
    assert segmentation['classes'] == detection['classes'] == list(VOC_CLASSES)
    assert report['program']['bytes'] == (tmp_path / 'network.stablehlo').stat().st_size
    assert report['measured']['seconds'] > 0
    printed = capsys.readouterr().out
    assert json.loads(printed.rpartition('\n}')[0] + '}') == report['measured']
    if weights == 'outside':
        python, option, code = shlex.split(printed.splitlines()[-1].removeprefix('next: '))
        exec(code)
        assert (python, option) == ('python', '-c')
        shown = capsys.readouterr().out
        assert 'uint8[1,33,65,3]' in shown and 'saliency' in shown
    size = sum(array.nbytes for array in safetensors.numpy.load_file(exported).values())
    program_size = report['program']['bytes']
    arguments_size = report['measured']['memory_bytes']['arguments']
    if weights == 'inside':
        assert program_size > size > arguments_size
    else:
        assert arguments_size > size > program_size


def test_only_the_given_tasks_are_in_the_program(exported):
    trained = open_checkpoint(exported)
    program, weights = export_network(trained, ('saliency', 'parts'), (33, 33), inside=False)
    results = jax.tree.unflatten(program.out_tree, program.out_avals)
    assert {name: scores.shape for name, scores in results.items()} == {
        'saliency': (1, 33, 33, 2), 'parts': (1, 5, 5, 7),
    }  # fmt: skip
    groups = {name.split('/')[1] for name in weights if name.startswith('params/')}
    assert groups == {'shared', 'saliency', 'parts'}


@pytest.mark.parametrize('size', ['33', 'axb'])
def test_a_size_that_is_no_size_is_refused(size, monkeypatch, capsys):
    monkeypatch.setattr('sys.argv', ['export', 'x', '--out', 'y', '--size', size])
    with pytest.raises(SystemExit) as stop:
        export.main()
    assert stop.value.code == 2
    assert re.search(f"--size.*'{size}'.*HEIGHTxWIDTH", capsys.readouterr().err)


@pytest.mark.parametrize('size', ['32x65', '1x33'])
def test_a_size_that_the_trunk_does_not_take_is_refused(size, exported, monkeypatch):
    monkeypatch.setattr('sys.argv', ['export', str(exported), '--out', 'y', '--size', size])
    with pytest.raises(UserError, match=rf'--size.*{size}.*32k\+1'):
        export.main()


def test_the_error_for_a_missing_extra_names_it(exported, tmp_path, monkeypatch):
    monkeypatch.setattr(export, 'FLATBUFFERS', 'no_such_package')
    monkeypatch.setattr('sys.argv', ['export', str(exported), '--out', str(tmp_path)])
    with pytest.raises(UserError, match=r'pip install "ubernet_jax\[export\]"'):
        export.main()
