"""ResNet-50 as a trunk: shapes, values compared with plain numpy, weights from PyTorch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers import plain_network
from helpers.networks import make_solver
from helpers.weight_files import write_state
from ubernet_jax import config as c
from ubernet_jax.config.validation import validate
from ubernet_jax.errors import UserError
from ubernet_jax.models.resnet import TAP_STRIDES
from ubernet_jax.network import SHARED, Network
from ubernet_jax.training.state import create_state
from ubernet_jax.weights.__main__ import import_files
from ubernet_jax.weights.importing import import_layers
from ubernet_jax.weights.initial import adopt_preprocessing
from ubernet_jax.weights.opening import open_source

pytestmark = pytest.mark.slow

WIDTH = 1 / 16
TASKS = {'saliency': c.SoftMask()}
# stage: blocks, channels, stride of the first block, dilations of the first and other blocks
STAGES = {'layer1': (3, 4, 1, 1, 1), 'layer2': (4, 8, 2, 1, 1), 'layer3': (6, 16, 1, 1, 2)}
STAGES['layer4'] = (3, 32, 1, 2, 4)


def draw_layers(seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights as a state dictionary of torchvision's network, with 1/16 of its width."""
    rng, state = np.random.default_rng(seed), {}

    def add(convolution: str, normalisation: str, outputs: int, inputs: int, size: int) -> None:
        fan_in = inputs * size * size
        kernel = rng.normal(0, np.sqrt(2 / fan_in), (outputs, inputs, size, size))
        state[f'{convolution}.weight'] = kernel
        state[f'{normalisation}.weight'] = rng.uniform(0.5, 1, outputs)
        state[f'{normalisation}.bias'] = rng.normal(0, 0.1, outputs)
        state[f'{normalisation}.running_mean'] = rng.normal(0, 0.1, outputs)
        state[f'{normalisation}.running_var'] = rng.uniform(0.5, 2, outputs)

    add('conv1', 'bn1', 4, 3, 7)
    inputs = 4
    for stage, (blocks, channels, *_) in STAGES.items():
        for block in range(blocks):
            name = f'{stage}.{block}'
            add(f'{name}.conv1', f'{name}.bn1', channels, inputs, 1)
            add(f'{name}.conv2', f'{name}.bn2', channels, channels, 3)
            add(f'{name}.conv3', f'{name}.bn3', 4 * channels, channels, 1)
            if block == 0:
                add(f'{name}.downsample.0', f'{name}.downsample.1', 4 * channels, inputs, 1)
            inputs = 4 * channels
    state['fc.weight'], state['fc.bias'] = np.zeros((10, inputs)), np.zeros(10)
    for name in [name for name in state if name.endswith('running_mean')]:
        state[name.replace('running_mean', 'num_batches_tracked')] = np.full(1, 7.0)
    return {name: array.astype(np.float32) for name, array in state.items()}


def plain_taps(image: np.ndarray, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The activations (h, w, c) after the first layer and every stage, in plain numpy."""

    def layer(x, convolution, normalisation, stride=1, dilation=1):
        kernel = state[f'{convolution}.weight'].transpose(2, 3, 1, 0)
        parts = ('weight', 'bias', 'running_mean', 'running_var')
        scale, shift, mean, variance = (state[f'{normalisation}.{part}'] for part in parts)
        x = correlate(x, kernel, dilation)[::stride, ::stride]
        return (x - mean) / np.sqrt(variance + 1e-5) * scale + shift

    taps = {'conv1': np.maximum(layer(image, 'conv1', 'bn1', stride=2), 0)}
    x = plain_network.max_pool(taps['conv1'], 2)
    for stage, (blocks, _, stride, first, others) in STAGES.items():
        for block in range(blocks):
            name, step = f'{stage}.{block}', stride if block == 0 else 1
            y = np.maximum(layer(x, f'{name}.conv1', f'{name}.bn1'), 0)
            dilation = others if block else first
            y = np.maximum(layer(y, f'{name}.conv2', f'{name}.bn2', step, dilation), 0)
            y = layer(y, f'{name}.conv3', f'{name}.bn3')
            if block == 0:
                x = layer(x, f'{name}.downsample.0', f'{name}.downsample.1', step)
            x = np.maximum(x + y, 0)
        taps[stage] = x
    return taps


def correlate(x: np.ndarray, kernel: np.ndarray, dilation: int) -> np.ndarray:
    height, width = x.shape[:2]
    margin = dilation * (len(kernel) // 2)
    padded = np.pad(x, [(margin, margin), (margin, margin), (0, 0)])
    result = 0.0
    for row, column in np.ndindex(*kernel.shape[:2]):
        top, left = row * dilation, column * dilation
        result = result + padded[top : top + height, left : left + width] @ kernel[row, column]
    return result


@pytest.fixture(scope='module')
def state_dict() -> dict[str, np.ndarray]:
    return draw_layers()


@pytest.fixture(scope='module')
def file(state_dict, tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'small.pth'
    write_state(path, state_dict)
    return path


def config(**settings: object) -> c.Config:
    random = c.Initialisation.RANDOM
    model = c.ModelConfig(trunk=c.Trunk.RESNET50, width=WIDTH, initialisation=random, **settings)
    return c.Config(steps=1, tasks=TASKS, model=model)


def test_values_with_torchvision_weights_equal_those_in_plain_numpy(file, state_dict, tmp_path):
    source = open_source(str(file))
    assert source.format == 'resnet50'
    imported = import_layers([source])
    assert imported.trunk is c.Trunk.RESNET50
    assert imported.report[0].endswith('53 of 54 layers used')
    assert 'fc (10, 128) (10,)' in imported.report[1]

    network = Network(config(scales=1).model, TASKS)
    params, stats = jax.jit(network.init)(jax.random.PRNGKey(0))
    trunk = params[SHARED]['trunk']
    for name, array in imported.arrays.items():
        *path, leaf = name.removeprefix('params/shared/trunk/').split('/')
        parent = trunk
        for part in path:
            parent = parent[part]
        assert parent[leaf].shape == array.shape
        parent[leaf] = jnp.asarray(array)
    image = np.random.default_rng(1).integers(0, 256, (1, 33, 65, 3), np.uint8)
    features, _ = jax.jit(network.features)(
        params[SHARED], stats, image, np.ones((1, 33, 65), bool)
    )
    mean, std = np.array(imported.mean), np.array(imported.std)
    expected = plain_taps((image[0] - mean) / std, state_dict)
    for tap, stride in TAP_STRIDES.items():
        # The normalisation subtracts 0, divides by sqrt(1 + epsilon) and multiplies by 10.
        activations = features.levels[0][tap][0] / 10 * np.sqrt(1 + 1 / 57.63**2)
        assert activations.shape[:2] == (32 // stride + 1, 64 // stride + 1)
        assert (expected[tap] > 0).mean() > 0.1
        np.testing.assert_allclose(activations, expected[tap], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(features.conv5[0], expected['layer3'], rtol=1e-3, atol=1e-3)


def test_full_width_has_the_published_number_of_parameters():
    network = Network(c.ModelConfig(trunk=c.Trunk.RESNET50), {})
    params, _ = jax.eval_shape(network.init, jax.random.PRNGKey(0))
    count = sum(np.prod(leaf.shape) for leaf in jax.tree.leaves(params))
    # 25,557,032 has a scale and a shift instead of a bias for each of 53 layers, and a classifier
    # with 2,049,000 parameters.
    stages = ((3, 64), (4, 128), (6, 256), (3, 512))
    channels = 64 + sum(blocks * 6 * width + 4 * width for blocks, width in stages)
    assert count == 25_557_032 - 2_049_000 - 2 * channels + channels


def test_frozen_blocks_get_no_gradient_and_the_others_do():
    network = Network(config(frozen_blocks=2, scales=1).model, TASKS)
    params, stats = jax.jit(network.init)(jax.random.PRNGKey(0))
    image, valid = np.full((1, 33, 33, 3), 200, np.uint8), np.ones((1, 33, 33), bool)

    @jax.jit
    def gradients(trunk):
        def total(trunk):
            key = jax.random.PRNGKey(1)
            features, _ = network.features({'trunk': trunk}, stats, image, valid, key)
            return sum(skip.sum() for skip in features.levels[0].values())

        return jax.grad(total)(trunk)

    trunk = gradients(params[SHARED]['trunk'])
    largest = {name: max(abs(x).max() for x in jax.tree.leaves(trunk[name])) for name in trunk}
    assert {name for name, value in largest.items() if value == 0} == {'conv1', 'layer1'}


def test_imagenet_initialisation_is_refused(file, tmp_path):
    with pytest.raises(UserError, match=r'model\.initialisation.*imagenet'):
        validate(c.Config(steps=1, tasks=TASKS, model=c.ModelConfig(trunk=c.Trunk.RESNET50)))
    validate(config())
    single_scale = config(scales=1)
    state = create_state(single_scale, make_solver(single_scale))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params))


def test_a_file_for_another_trunk_is_refused(file, tmp_path):
    import_files([str(file)], [], tmp_path / 'resnet.safetensors')
    weights = str(tmp_path / 'resnet.safetensors')
    assert adopt_preprocessing(config(weights=weights)).model.std == c.ModelConfig().std
    vgg_config = config(weights=weights)
    vgg_config.model.trunk = c.Trunk.VGG16
    with pytest.raises(UserError, match=r'resnet\.safetensors.*resnet50.*vgg16'):
        adopt_preprocessing(vgg_config)


def test_a_missing_normalisation_is_named(state_dict, tmp_path):
    short = {name: a for name, a in state_dict.items() if not name.startswith('layer2.1.bn2')}
    write_state(tmp_path / 'short.pth', short)
    with pytest.raises(UserError, match=r'layer2\.1\.bn2.*layer2\.1\.conv2'):
        open_source(str(tmp_path / 'short.pth'))
