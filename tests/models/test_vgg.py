"""The VGG-16 trunk: shapes at full width, dropout, and a different table of blocks."""

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers import plain_network
from ubernet_jax.config import ModelConfig, Statistics
from ubernet_jax.models.normalization import Normalization
from ubernet_jax.models.vgg import TAP_STRIDES, VGG, Block, FullyConnected
from ubernet_jax.network import SHARED, Network

pytestmark = pytest.mark.slow

KERNELS = {
    'conv1/conv1_1': (3, 3, 3, 64),
    'conv1/conv1_2': (3, 3, 64, 64),
    'conv2/conv2_1': (3, 3, 64, 128),
    'conv2/conv2_2': (3, 3, 128, 128),
    'conv3/conv3_1': (3, 3, 128, 256),
    'conv3/conv3_2': (3, 3, 256, 256),
    'conv3/conv3_3': (3, 3, 256, 256),
    'conv4/conv4_1': (3, 3, 256, 512),
    'conv4/conv4_2': (3, 3, 512, 512),
    'conv4/conv4_3': (3, 3, 512, 512),
    'conv5/conv5_1': (3, 3, 512, 512),
    'conv5/conv5_2': (3, 3, 512, 512),
    'conv5/conv5_3': (3, 3, 512, 512),
    'fc/fc6': (3, 3, 512, 1024),
    'fc/fc7': (1024, 1024),
}
TAPS = {  # stride, channels
    'conv1_2': (1, 64),
    'conv2_2': (2, 128),
    'conv3_3': (4, 256),
    'conv4_3': (8, 512),
    'conv5_3': (8, 512),
    'fc7': (8, 1024),
}


def trunk_shapes(**settings: object) -> dict[str, tuple[int, ...]]:
    network = Network(ModelConfig(**settings), {})
    params, _ = jax.eval_shape(network.init, jax.random.PRNGKey(0))
    leaves = flax.traverse_util.flatten_dict(params[SHARED]['trunk'], sep='/')
    return {name: leaf.shape for name, leaf in leaves.items()}


def test_shapes_of_all_layers_at_full_width():
    shapes = trunk_shapes()
    expected = {f'{name}/kernel': shape for name, shape in KERNELS.items()}
    expected |= {f'{name}/bias': shape[-1:] for name, shape in KERNELS.items()}
    assert shapes == expected
    assert sum(np.prod(shape) for shape in shapes.values()) == 14_714_688 + 4_719_616 + 1_049_600


def test_the_parameters_do_not_depend_on_the_number_of_scales():
    assert trunk_shapes(scales=1) == trunk_shapes(scales=3)


def test_width_scales_all_channels_except_those_of_the_image():
    shapes = trunk_shapes(width=0.25)
    assert shapes['conv1/conv1_1/kernel'] == (3, 3, 3, 16)
    assert shapes['conv5/conv5_3/kernel'] == (3, 3, 128, 128)
    assert shapes['fc/fc6/kernel'] == (3, 3, 128, 256)
    assert trunk_shapes(width=1e-6)['fc/fc7/kernel'] == (1, 1)


@pytest.mark.parametrize('size', [(33, 33), (33, 65), (321, 481), (641, 961)])
def test_stride_and_size_of_every_skip_at_every_level(size):
    network = Network(ModelConfig(), {})
    params, stats = jax.eval_shape(network.init, jax.random.PRNGKey(0))
    features, _ = jax.eval_shape(
        network.features,
        params[SHARED],
        stats,
        jax.ShapeDtypeStruct((2, *size, 3), jnp.uint8),
        jax.ShapeDtypeStruct((2, *size), bool),
    )
    assert {tap: stride for tap, (stride, _) in TAPS.items()} == TAP_STRIDES
    assert len(features.levels) == 3
    for level, skips in enumerate(features.levels):
        sides = {
            tap: tuple((side - 1) // (stride * 2**level) + 1 for side in size)
            for tap, (stride, _) in TAPS.items()
        }
        assert {tap: x.shape for tap, x in skips.items()} == {
            tap: (2, *sides[tap], channels) for tap, (_, channels) in TAPS.items()
        }


def test_dropout_drops_half_of_fc6_and_of_fc7_in_training_only():
    module = FullyConnected(width=1 / 16, dropout=0.5)
    x = jnp.ones((1, 5, 5, 32))
    params = {
        'fc6': {'kernel': jnp.zeros((3, 3, 32, 64)), 'bias': jnp.ones(64)},
        'fc7': {'kernel': jnp.eye(64), 'bias': jnp.zeros(64)},
    }

    @jax.jit
    def train(key: jax.Array) -> jax.Array:
        return module.apply({'params': params}, x, True, rngs={'dropout': key})

    dropped = train(jax.random.PRNGKey(0))
    values, counts = np.unique(dropped, return_counts=True)
    assert values.tolist() == [0, 4]  # doubled twice where neither layer dropped the value
    assert abs(counts[1] / dropped.size - 0.25) < 0.05
    np.testing.assert_array_equal(module.apply({'params': params}, x, False), 1)


def test_activations_of_a_different_table_of_blocks_equal_plain_numpy():
    rows = (
        Block('conv1', 1, 3, stride=1, dilation=2, pool_window=2, pool_stride=2),
        Block('conv2', 2, 5, stride=2, dilation=1, pool_window=1, pool_stride=1),
    )
    settings = Normalization.of_model(ModelConfig(statistics=Statistics.RUNNING))
    trunk = VGG(1.0, 0.0, 0, False, settings, rows)
    rng = np.random.default_rng(0)
    image = rng.normal(size=(1, 7, 9, 3)).astype(np.float32)
    valid = np.ones((1, 7, 9), bool)
    layers = {'conv1_1': (3, 3), 'conv2_1': (3, 5), 'conv2_2': (5, 5)}  # channels
    params = {'conv1': {}, 'conv2': {}}
    for layer, channels in layers.items():
        kernel = rng.normal(size=(3, 3, *channels)) / np.sqrt(9 * channels[0])
        params[layer[:5]][layer] = {
            'kernel': kernel.astype(np.float32),
            'bias': np.ones(channels[1]),
        }

    @jax.jit
    def convolve(params: dict) -> tuple:
        return trunk.apply(
            {'params': params}, image, valid, 0, False, method='convolve', mutable=['batch_stats']
        )[0]

    x, activations, skips = convolve(params)
    first = np.maximum(plain_network.convolve(image[0], params['conv1']['conv1_1'], 2), 0)
    expected = np.pad(first, [(0, 1), (0, 1), (0, 0)]).reshape(4, 2, 5, 2, 3).max((1, 3))
    for layer in ('conv2_1', 'conv2_2'):
        expected = np.maximum(plain_network.convolve(expected, params['conv2'][layer]), 0)
    np.testing.assert_allclose(activations['conv1_1'][0], first, atol=1e-5)
    np.testing.assert_allclose(activations['conv2_2'][0], expected, atol=1e-5)
    np.testing.assert_array_equal(x, activations['conv2_2'])  # no pooling at the end
    assert skips.keys() == activations.keys()
    assert not np.allclose(skips['conv2_2'], activations['conv2_2'])
