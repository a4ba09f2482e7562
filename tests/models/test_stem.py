"""The stem beside a vision transformer: sizes, where its cells lie, training, refusals."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ubernet_jax import config as c
from ubernet_jax.config.validation import validate
from ubernet_jax.errors import UserError
from ubernet_jax.models.dense import DenseHead, add_squares
from ubernet_jax.models.stem import STRIDES, Stem
from ubernet_jax.models.trunks import TRUNKS, describe_vit
from ubernet_jax.models.vit_specs import VITS
from ubernet_jax.network import SHARED, Network
from ubernet_jax.ops.interpolate import average_squares

TRUNK = c.Trunk.VIT_SMALL_PATCH14_DINOV2


@pytest.fixture
def model(monkeypatch) -> c.ModelConfig:
    """A frozen trunk of two blocks with one head, and a stem."""
    spec = dataclasses.replace(VITS[TRUNK], heads=1, depth=2, taps=(0, 1), table=3)
    monkeypatch.setitem(TRUNKS, TRUNK, describe_vit(spec))
    return c.ModelConfig(trunk=TRUNK, scales=1, stem=2, frozen_blocks=2)


@pytest.mark.parametrize('height', [28, 42])  # 42 is no multiple of 4 and 8
def test_sizes(height):
    image = jnp.ones((1, height, 28, 3))
    stem = Stem(4)
    taps: Any = jax.eval_shape(lambda: stem.init_with_output(jax.random.PRNGKey(0), image)[0])
    for number, (tap, stride) in enumerate(STRIDES.items()):
        assert taps[tap].shape == (1, -(-height // stride), -(-28 // stride), 4 * 2**number)


@pytest.mark.parametrize('stage', range(3))
def test_a_cell_lies_at_the_centre_of_its_pixels(stage):
    # The gradient of a cell is symmetric about its centre if all kernels are constant.
    tap, stride = list(STRIDES.items())[stage]
    stem, image = Stem(1), jax.random.uniform(jax.random.PRNGKey(1), (1, 96, 96, 3))
    variables = jax.jit(stem.init)(jax.random.PRNGKey(0), image)
    variables = jax.tree.map(lambda x: jnp.ones_like(x) / x.size, variables)
    cell = 48 // stride - 1

    def value(image: jax.Array) -> jax.Array:
        # The maxima of the pooling layers are no matter for the mean of an image and its mirror.
        return stem.apply(variables, image)[tap][0, cell, cell, 0]

    seen = np.argwhere(np.asarray(jax.jit(jax.grad(value))(jnp.ones_like(image)))[0, :, :, 0] > 0)
    centre = (seen.min(0) + seen.max(0)) / 2
    np.testing.assert_allclose(centre, (cell + 0.5) * stride - 0.5)


def test_squares_are_added_where_they_lie():
    # A ramp sampled at the centres of squares of two sides is the same ramp at the nodes.
    def ramp(side: int, length: int) -> jnp.ndarray:
        centres = (jnp.arange(length) + 0.5) * side - 0.5
        return jnp.broadcast_to(centres[None, :, None, None], (1, length, 4, 1))

    total = add_squares((21, 4), [ramp(2, 21), ramp(8, 6)], [2, 8], 2)[0, :, 0, 0]
    np.testing.assert_allclose(total[2:18], 2 * 2 * np.arange(2, 18), atol=1e-4)


def test_squares_are_averaged_to_larger_squares():
    x = np.arange(5.0).reshape(1, 5, 1, 1) * np.ones((1, 1, 4, 1))
    result = average_squares(jnp.asarray(x), 2)
    np.testing.assert_allclose(result[0, :, 0, 0], [0.5, 2.5, 4.0])
    assert result.shape == (1, 3, 2, 1)


@pytest.mark.parametrize('stride', [1, 2, 8])
def test_heads_use_the_stem(model, stride):
    task = c.SoftMask(stride=stride)
    network = Network(model, {'saliency': task})
    params, stats = jax.jit(network.init)(jax.random.PRNGKey(0))
    image, valid = jnp.ones((1, 42, 28, 3), jnp.uint8), jnp.ones((1, 42, 28), bool)
    head = network.head('saliency')
    assert isinstance(head, DenseHead)
    assert set(params['saliency']) >= set(STRIDES)

    def total(shared: dict) -> jax.Array:
        features, _ = network.features(shared, stats, image, valid)
        heads: Any = head.apply({'params': params['saliency']}, features)
        (scores,) = heads
        assert scores.shape == (1, -(-42 // stride), -(-28 // stride), 2)
        return scores.sum()

    gradient = jax.jit(jax.grad(total))(params[SHARED])['trunk']
    moved = {name for name, tree in gradient.items() if any(map(np.any, jax.tree.leaves(tree)))}
    assert moved == {'stem'}


@pytest.mark.parametrize('blocks', [1, 2])
def test_kept_features_leave_the_rest_to_be_computed(model, blocks):
    model.frozen_blocks = blocks
    network = Network(model, {})
    params, stats = jax.jit(network.init)(jax.random.PRNGKey(0))
    image = jax.random.randint(jax.random.PRNGKey(1), (1, 28, 28, 3), 0, 256).astype(jnp.uint8)
    valid = jnp.ones((1, 28, 28), bool)
    kept = jax.jit(network.frozen)(params[SHARED], image, valid)
    assert set(kept) == [{'block_0', 'tokens'}, {'block_0', 'block_1'}][blocks - 1]
    features = jax.jit(network.features)
    whole, _ = features(params[SHARED], stats, image, valid)
    rest, _ = features(params[SHARED], stats, image, valid, kept=kept)
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=1e-5), whole, rest)
    assert TRUNKS[TRUNK].can_keep(model) and not network.is_frozen


def test_other_trunks_refuse_a_stem():
    config = c.Config(
        images=10,
        tasks={'saliency': c.SoftMask()},
        model=c.ModelConfig(stem=8),
        data=c.DataConfig(train=[c.DatasetConfig(name='pascal_s', split='train')]),
    )
    with pytest.raises(UserError, match=r'model\.stem'):
        validate(config)
