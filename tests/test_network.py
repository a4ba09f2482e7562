"""The network: compared with plain numpy; shared weights, frozen blocks, initial weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers import plain_network
from ubernet_jax import config as c
from ubernet_jax.models.dense import DenseHead, add_coarse_to_fine
from ubernet_jax.models.pyramid import Features
from ubernet_jax.models.vgg import BLOCKS, TAP_STRIDES
from ubernet_jax.network import SHARED, Network

pytestmark = pytest.mark.slow

HEIGHT, WIDTH = 33, 65
FROZEN = 2

DENSE = tuple(name for name in c.PAPER if name != 'detection')


def make_network(*tasks: str, **settings: object) -> Network:
    config = c.ModelConfig(**{'width': 1 / 16, **settings})
    return Network(config, {name: c.PAPER[name]() for name in tasks})


@pytest.fixture(scope='module')
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def test_shapes_of_all_layers_of_a_head_at_full_width():
    network = make_network(*DENSE, width=1)
    params, _ = jax.eval_shape(network.init, jax.random.PRNGKey(0))
    depths = {'conv1_2': 64, 'conv2_2': 128, 'conv3_3': 256, 'conv4_3': 512, 'conv5_3': 512}
    depths |= {'fc7': 1024}
    for name in DENSE:
        channels = network.tasks[name].channels
        expected = {
            tap: {'kernel': (depth, channels), 'bias': (channels,)} for tap, depth in depths.items()
        }
        for fusion, maps in (('fuse_skips', 6), ('fuse_scales', 3)):
            expected[fusion] = {'kernel': (maps, channels, channels), 'bias': (channels,)}
        assert jax.tree.map(lambda leaf: leaf.shape, params[name]) == expected
    counts = {name: sum(leaf.size for leaf in jax.tree.leaves(params[name])) for name in params}
    assert counts == {
        'shared': 20_483_904,
        'boundaries': 5_044,
        'normals': 7_593,
        'saliency': 5_044,
        'segmentation': 56_553,
        'parts': 17_969,
        'semantic_boundaries': 56_553,
    }


@pytest.mark.parametrize(('scales', 'count'), [(1, 1), (2, 3), (3, 4)])
def test_a_head_computes_a_map_per_scale_and_the_fused_map(scales, count):
    network = make_network(*DENSE, scales=scales)
    params, stats = jax.eval_shape(network.init, jax.random.PRNGKey(0))
    images = jax.ShapeDtypeStruct((2, HEIGHT, WIDTH, 3), jnp.uint8)
    valid = jax.ShapeDtypeStruct((2, HEIGHT, WIDTH), bool)
    features, _ = jax.eval_shape(network.features, params[SHARED], stats, images, valid)
    for name, task in network.tasks.items():
        head = network.head(name)
        maps = jax.eval_shape(head.apply, {'params': params[name]}, features)
        size = (5, 9) if name in ('segmentation', 'parts') else (33, 65)
        assert [scores.shape for scores in maps] == [(2, *size, task.channels)] * count


@pytest.mark.parametrize('scales', [1, 3])
def test_the_network_equals_the_plain_network(scales, image):
    sizes = {1: (33, 65), 2: (17, 33), 4: (9, 17), 8: (5, 9)}
    classes = ('none', 'cup', 'plate')
    tasks = {f'cups_{stride}': c.Segmentation(classes=classes, stride=stride) for stride in sizes}
    network = Network(c.ModelConfig(width=1 / 16, scales=scales), tasks)
    params, stats = plain_network.random_variables(network)
    valid = np.ones((1, HEIGHT, WIDTH), bool)
    features, returned_stats = jax.jit(network.features)(params[SHARED], stats, image[None], valid)
    jax.tree.map(np.testing.assert_array_equal, returned_stats, stats)

    pyramid = plain_network.make_pyramid(image, scales, network.config)
    taps = [plain_network.trunk(x, params[SHARED]['trunk']) for x in pyramid]
    epsilon = 1 / 57.63**2  # the mean of `ModelConfig.std`, squared
    skips = [
        plain_network.normalise(x, stats['trunk'], level, epsilon) for level, x in enumerate(taps)
    ]
    assert_equal([{tap: x[0] for tap, x in level.items()} for level in features.levels], skips)

    for name, size in zip(tasks, sizes.values(), strict=True):
        maps = jax.jit(network.head(name).apply)({'params': params[name]}, features)
        assert_equal([x[0] for x in maps], plain_network.head(skips, params[name], size))


def assert_equal(actual: object, expected: object) -> None:
    """Compares trees of arrays, none of which may be nearly constant."""

    def compare(actual: jax.Array, expected: np.ndarray) -> None:
        assert np.std(expected) > 0.01
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())

    jax.tree.map(compare, actual, expected)


@pytest.fixture(scope='module')
def trained():
    """A network, parameters and statistics of its trunk, and the gradient of a loss.

    The gradient is a function: (parameters, image, weight of each scale) -> (gradient, statistics).
    """
    network = make_network('saliency', frozen_blocks=FROZEN, dropout=0.0)
    params, stats = plain_network.random_variables(network)
    valid = jnp.ones((1, HEIGHT, WIDTH), bool)
    rng = np.random.default_rng(1)

    def loss(shared: dict, image: jax.Array, weights: jax.Array) -> tuple[jax.Array, dict]:
        key = jax.random.PRNGKey(0)
        features, updated = network.features(shared, stats, image[None], valid, key)
        sums = jax.tree.map(
            lambda x: (x * rng.normal(size=x.shape).astype(np.float32)).sum(), features.levels
        )
        return jnp.dot(weights, jnp.stack([sum(level.values()) for level in sums])), updated

    gradient = jax.jit(jax.grad(loss, has_aux=True))
    return network, params[SHARED], stats, gradient


def test_every_scale_has_a_gradient_for_the_shared_weights(trained, image):
    _, shared, _, gradient = trained
    for level in range(3):
        level_gradient, _ = gradient(shared, image, jnp.eye(3)[level])
        for block in [row.name for row in BLOCKS[FROZEN:]] + ['fc']:
            assert all(np.any(x != 0) for x in jax.tree.leaves(level_gradient['trunk'][block]))


def test_the_gradient_of_frozen_blocks_is_exactly_zero(trained, image):
    _, shared, _, gradient = trained
    total, _ = gradient(shared, image, jnp.ones(3))
    for row in BLOCKS:
        nonzero = [np.any(x != 0) for x in jax.tree.leaves(total['trunk'][row.name])]
        assert nonzero == [row.name not in ('conv1', 'conv2')] * len(nonzero)


def test_each_scale_has_separate_statistics(trained, image):
    network, shared, stats, gradient = trained
    _, updated = gradient(shared, image, jnp.ones(3))
    pyramid = plain_network.make_pyramid(image, 3, network.config)
    for level, x in enumerate(pyramid):
        taps = plain_network.trunk(x, shared['trunk'])
        for row in BLOCKS:
            before = stats['trunk'][row.name][f'norm_{level}']
            after = updated['trunk'][row.name][f'norm_{level}']
            keep = before['batches'] / (before['batches'] + 1)
            x = taps[row.tap]
            for name, moment in (('mean', x.mean((0, 1))), ('variance', x.var((0, 1)))):
                expected = keep * before[name] + (1 - keep) * moment
                np.testing.assert_allclose(after[name], expected, rtol=1e-4, atol=1e-5)


def test_adding_coarse_to_fine_equals_interpolating_each_map():
    rng = np.random.default_rng(0)
    sizes = ((9, 17), (5, 9), (3, 5), (3, 5))
    maps = [rng.normal(size=(1, *size, 3)).astype(np.float32) for size in sizes]
    bias = np.float32([1, 2, 3])
    total = jax.jit(add_coarse_to_fine, static_argnums=(1, 2))(maps, (2, 4, 8, 8), 1, bias)
    expected = np.sum([plain_network.interpolate(x[0], (17, 33)) for x in maps], 0) + bias
    np.testing.assert_allclose(total[0], expected, atol=1e-5)


def test_initial_parameters_of_a_head():
    level = {tap: jnp.zeros((1, 1, 1, 512)) for tap in TAP_STRIDES}
    features = Features((level,) * 3, conv5=jnp.zeros((1, 1, 1, 512)))
    head = DenseHead(channels=7, skips=TAP_STRIDES, stride=32)
    params = jax.jit(head.init)(jax.random.PRNGKey(0), features)['params']
    kernels = np.concatenate([params[tap]['kernel'] for tap in TAP_STRIDES])
    assert kernels.std() == pytest.approx(0.001, rel=0.05)
    for fusion, inputs in (('fuse_skips', 6), ('fuse_scales', 3)):
        average = np.tile(np.eye(7) / inputs, (inputs, 1, 1))
        np.testing.assert_allclose(params[fusion]['kernel'], average, rtol=1e-6)
    assert not any(layer['bias'].any() for layer in params.values())


def test_a_residual_adapter_is_a_special_case_of_the_hidden_layer():
    """W x + V relu(U x) equals W (x + A relu(U x)) if V = W A."""
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    skips, adapted, linear = {}, {}, {}
    for depth, (tap, stride) in enumerate(TAP_STRIDES.items(), 2):
        skips[tap] = draw(1, 16 // stride + 1, 32 // stride + 1, depth)
        linear[tap] = {'kernel': draw(depth, 3), 'bias': draw(3)}
    linear['fuse_skips'] = {'kernel': draw(6, 3, 3), 'bias': draw(3)}
    nonlinear = dict(linear)
    for tap, x in skips.items():
        hidden, adapter = {'kernel': draw(x.shape[-1], 2), 'bias': draw(2)}, draw(2, x.shape[-1])
        adapted[tap] = x + np.maximum(x @ hidden['kernel'] + hidden['bias'], 0) @ adapter
        nonlinear[f'{tap}_hidden'] = hidden
        kernel = adapter @ linear[tap]['kernel']
        nonlinear[f'{tap}_scores'] = {'kernel': kernel, 'bias': np.zeros(3, np.float32)}

    def scores(skips: dict, params: dict, hidden: int) -> jax.Array:
        features = Features((skips,), conv5=jnp.zeros((1, 1, 1, 1)))
        head = DenseHead(3, TAP_STRIDES, stride=8, hidden=hidden)
        (scores,) = jax.jit(head.apply)({'params': params}, features)
        return scores

    expected = scores(adapted, linear, 0)
    np.testing.assert_allclose(scores(skips, nonlinear, 2), expected, rtol=1e-4, atol=1e-4)
    assert np.abs(expected - scores(skips, linear, 0)).max() > 1


def test_the_setting_hidden_adds_layers_to_the_head():
    tasks = {'normals': c.Normals(hidden=8), 'parts': c.PAPER['parts']()}
    network = Network(c.ModelConfig(width=1 / 16, scales=2), tasks)
    params, _ = jax.eval_shape(network.init, jax.random.PRNGKey(0))
    assert params['normals']['conv5_3_hidden']['kernel'].shape == (32, 8)
    assert params['normals']['conv5_3_scores']['kernel'].shape == (8, 3)
    assert params['normals']['conv1_2_hidden']['kernel'].shape == (4, 4)  # not wider than the skip
    assert set(params['normals']) - set(params['parts']) == {
        f'{tap}_{layer}' for tap in TAP_STRIDES for layer in ('hidden', 'scores')
    }


def test_side_outputs_are_the_maps_of_single_skips():
    rng = np.random.default_rng(0)
    levels = [
        {
            tap: rng.normal(size=(1, 16 // (s * 2**n) + 1, 32 // (s * 2**n) + 1, 3))
            for tap, s in TAP_STRIDES.items()
        }
        for n in range(2)
    ]
    features = Features(tuple(levels), conv5=jnp.zeros((1, 1, 1, 1)))
    head = DenseHead(2, TAP_STRIDES, stride=4, side_outputs=True)
    params = jax.jit(head.init)(jax.random.PRNGKey(0), features)['params']
    params = jax.tree.map(lambda x: rng.normal(size=x.shape).astype(np.float32), params)
    *side_maps, _, _, fused = jax.jit(head.apply)({'params': params}, features)
    skips = [(tap, x[0]) for level in levels for tap, x in level.items()]
    assert len(side_maps) == len(skips) == 12
    for (tap, x), side_map in zip(skips, side_maps, strict=True):
        step = max(1, (len(x) - 1) // 4)  # a finer skip is subsampled to 5 x 9
        scores = x[::step, ::step] @ params[tap]['kernel'] + params[tap]['bias']
        expected = plain_network.interpolate(scores, (5, 9))
        np.testing.assert_allclose(side_map[0], expected, rtol=1e-4, atol=1e-4)
    head = DenseHead(2, TAP_STRIDES, stride=4)
    *_, without = jax.jit(head.apply)({'params': params}, features)
    np.testing.assert_allclose(without, fused, rtol=1e-4, atol=1e-4)


def test_features_do_not_depend_on_the_padding(image):
    """Padding enters the trunk as zeros, independent of the array's values there."""
    network = make_network('saliency', scales=1)
    params, stats = plain_network.random_variables(network)
    padded = np.stack([image, image])
    padded[1, 20:, 40:] = 255 - padded[1, 20:, 40:]
    valid = np.ones(padded.shape[:3], bool)
    valid[:, 20:, 40:] = False
    features, _ = jax.jit(network.features)(params[SHARED], stats, padded, valid)
    for x in features.levels[0].values():
        np.testing.assert_array_equal(x[0], x[1])
