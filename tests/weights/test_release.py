"""The weights of the UberNet release, and the command that imports them."""

import dataclasses
import pathlib
import sys

import jax
import numpy as np
import pytest

from helpers import caffe_network, plain_network, weight_files
from helpers.caffe_network import CHANNELS, WIDE, Draw, Layers
from helpers.small_vgg import BGR, IMAGE, SMALL
from ubernet_jax.config import PAPER, Config, Pooling
from ubernet_jax.errors import UserError
from ubernet_jax.network import SHARED, make_network
from ubernet_jax.weights import __main__
from ubernet_jax.weights.exported import SUFFIX, load_exported, read_file, write_file
from ubernet_jax.weights.importing import compare_with_network, import_layers
from ubernet_jax.weights.opening import Source, open_source

pytestmark = pytest.mark.slow


FULL = {
    'conv1_1': (3, 64), 'conv1_2': (64, 64), 'conv2_1': (64, 128), 'conv2_2': (128, 128),
    'conv3_1': (128, 256), 'conv3_2': (256, 256), 'conv3_3': (256, 256), 'conv4_1': (256, 512),
    'conv4_2': (512, 512), 'conv4_3': (512, 512), 'conv5_1': (512, 512), 'conv5_2': (512, 512),
    'conv5_3': (512, 512),
}  # fmt: skip


def test_the_release_fills_every_array_at_full_width():
    """Only the shapes matter: all values are equal."""

    def draw(*shape: int) -> list[np.ndarray]:
        return [np.broadcast_to(np.float32(0.5), size) for size in (shape, shape[:1])]

    source = Source(
        name='r', format='ubernet', layers=caffe_network.release(draw, FULL, 1024, 4096)
    )
    config = Config(tasks={name: make() for name, make in PAPER.items()})
    (line,) = compare_with_network(import_layers([source]).arrays, config)
    assert '185 of 185' in line


@pytest.fixture(scope='module')
def released(tmp_path_factory) -> pathlib.Path:
    path = tmp_path_factory.mktemp('released') / 'model.caffemodel'
    return weight_files.write_caffemodel(path, caffe_network.release(Draw(6), CHANNELS, 64, WIDE))


def test_the_release_has_the_original_scores(released, tmp_path):
    """Two heads at three scales, from the caffemodel through an exported file to the network."""
    source = open_source(str(released))
    assert source.format == 'ubernet' and len(source.copies) == 2 * (13 + 2 + 6 * 7)
    imported = import_layers([source])
    used, copies = imported.report
    assert used.startswith('model.caffemodel (ubernet): 85 of 85 ')
    assert copies.endswith(': 114')
    model = dataclasses.replace(SMALL.model, mean=imported.mean, std=imported.std)
    path = tmp_path / f'release{SUFFIX}'
    write_file(path, imported.arrays, dataclasses.replace(SMALL, model=model), 0, {})
    config, _, params, batch_stats = load_exported(path)
    network = make_network(config)

    def run(params: dict, batch_stats: dict) -> list:
        valid = np.ones((1, 33, 33), bool)
        features, _ = network.features(params[SHARED], batch_stats, IMAGE[None], valid)
        heads = [(network.head(name), params[name]) for name in ('normals', 'parts')]
        return [head.apply({'params': head_params}, features) for head, head_params in heads]

    layers = caffe_network.release(Draw(6), CHANNELS, 64, WIDE)
    run = jax.jit(run)
    normals, parts = run(params, batch_stats)
    for code, maps, step in (('nrm', normals, 1), ('prt', parts, 8)):
        for actual, expected in zip(maps, release_scores(layers, code, step), strict=True):
            tolerance = 1e-4 * abs(expected).max()
            np.testing.assert_allclose(actual[0], np.moveaxis(expected, 0, -1), atol=tolerance)


def release_scores(layers: Layers, code: str, step: int) -> list[np.ndarray]:
    """A task's maps (channels, rows, columns) at every `step`-th pixel: by scale, then fused."""
    image = np.moveaxis(IMAGE[..., BGR] - np.array([102.9801, 115.9465, 122.7717]), -1, 0)
    trunk = layers | {'fc6': layers['fc6_conv'], 'fc7': layers['fc7_conv']}
    maps = []
    for suffix, stride in (('', 1), ('_RS2', 2), ('_RS4', 4)):
        x = image if stride == 1 else caffe_network.pool(image, stride, 0).mean((-1, -2))
        skips = []
        for number, (tap, skip) in enumerate(caffe_network.taps(x, trunk).items(), 1):
            if tap != 'fc7':
                mean, variance, factor = layers[f'BN_pre_{tap}{suffix}']
                mean, variance = (a[:, None, None] / factor for a in (mean, variance))
                skip = 10 * (skip - mean) / np.sqrt(variance + 1)
            score = caffe_network.convolve(skip, layers[f'score_{code}_{number}{suffix}_0_hole0'])
            size = (33, 33)
            score = plain_network.interpolate(np.moveaxis(score, 0, -1), size)
            skips.append(np.moveaxis(score, -1, 0)[:, ::step, ::step])
        fuse = layers[f'upscore-fuse-{code}__00{suffix}']
        maps.append(caffe_network.convolve(np.concatenate(skips), fuse))
    return [*maps, caffe_network.convolve(np.concatenate(maps), layers[f'upscore-fuse-mr-{code}'])]


def run(monkeypatch, *words: object) -> None:
    monkeypatch.setattr(sys, 'argv', ['weights', *map(str, words)])
    __main__.main()


def test_the_command_imports_and_shows_a_file(released, tmp_path, monkeypatch, capsys):
    out = tmp_path / 'new' / f'a{SUFFIX}'
    run(monkeypatch, 'import', released, '--kind', 'ubernet', '--out', out)
    pooling = read_file(out).config.tasks['detection'].detector.pooling
    assert pooling is Pooling.DILATED_MAX  # that of the release, not of Faster R-CNN
    assert f'imported: {out}' in capsys.readouterr().out
    run(monkeypatch, 'show', out)
    shown = capsys.readouterr().out
    assert 'model.caffemodel (ubernet)' in shown and '102.9801' in shown
    # Its width is not that of the paper's network.
    with pytest.raises(UserError, match=r'--config\.model\.weights=FILE'):
        load_exported(out)


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['a.caffemodel', 'b.caffemodel', '--kind', 'ilsvrc'], r'2 files.* 1 .*--kind'),
        (['a.onnx'], r'a\.onnx.*\.caffemodel, \.pth, .*imagenet'),
    ],
)
def test_errors_on_the_command_line_are_reported(words, message, tmp_path, monkeypatch):
    with pytest.raises(UserError, match=message):
        run(monkeypatch, 'import', *words, '--out', tmp_path / f'a{SUFFIX}')
