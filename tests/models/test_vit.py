"""Vision transformers as trunks, compared with plain numpy; frozen blocks; padding; heads."""

import dataclasses

import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.finishing import finish_one
from helpers.plain_vit import draw_state, plain_taps
from ubernet_jax import config as c
from ubernet_jax.config.validation import validate
from ubernet_jax.errors import UserError
from ubernet_jax.models.normalization import Normalization
from ubernet_jax.models.proposals import image_anchors
from ubernet_jax.models.trunks import TRUNKS, describe_vit
from ubernet_jax.models.vit import ViT
from ubernet_jax.models.vit_specs import VITS, ViTSpec
from ubernet_jax.network import SHARED, Network
from ubernet_jax.ops.interpolate import from_patches
from ubernet_jax.weights.layers import TRUNK
from ubernet_jax.weights.pytorch import by_layer
from ubernet_jax.weights.vit_layers import vit_mappings

VARIANTS = (
    c.Trunk.VIT_SMALL_PATCH14_DINOV2,
    c.Trunk.VIT_SMALL_PATCH14_REG4_DINOV2,
    c.Trunk.VIT_SMALL_PATCH16_DINOV3,
    c.Trunk.VIT_SMALL_PATCH16,
)


def small(trunk: c.Trunk, heads: int = 2) -> ViTSpec:
    """Two blocks, both of them taps, and a table of 5x5 positions."""
    table = min(VITS[trunk].table, 5)
    return dataclasses.replace(VITS[trunk], heads=heads, depth=2, taps=(0, 1), table=table)


def make_trunk(spec: ViTSpec, frozen: int = 0, **settings) -> ViT:
    return ViT(spec, frozen, False, Normalization.of_model(c.ModelConfig()), **settings)


def convert(state: dict[str, np.ndarray], spec: ViTSpec) -> dict:
    """The parameters of the trunk from a state dictionary of timm."""
    layers = by_layer(state)
    arrays = {
        f'{mapping.target}/{leaf}'.removeprefix(f'{TRUNK}/'): jnp.asarray(array)
        for mapping in vit_mappings(spec)
        for leaf, array in mapping.convert(layers[mapping.source]).items()
    }
    return {'params': flax.traverse_util.unflatten_dict(arrays, sep='/')}


def apply_taps(spec: ViTSpec, variables: dict, image: np.ndarray, valid=None, **settings) -> dict:
    valid = jnp.ones(image.shape[:3], bool) if valid is None else valid
    trunk = make_trunk(spec, frozen=spec.depth, **settings)
    return jax.jit(lambda v, *x: trunk.apply(v, *x, method='frozen'))(variables, image, valid)


def draw_image(spec: ViTSpec, h: int = 3, w: int = 6) -> np.ndarray:
    shape = (1, h * spec.patch, w * spec.patch, 3)
    return np.random.default_rng(1).normal(0, 1, shape).astype(np.float32)


@pytest.mark.parametrize('trunk', VARIANTS)
def test_taps_equal_those_of_plain_numpy(trunk):
    spec = small(trunk)
    state, image = draw_state(spec), draw_image(spec)
    taps = apply_taps(spec, convert(state, spec), image)
    wanted = plain_taps(image[0], state, spec)
    assert list(taps) == list(wanted)
    for tap in wanted:
        np.testing.assert_allclose(taps[tap][0], wanted[tap], atol=1e-4)


def test_bfloat16_is_near_float32():
    spec = small(c.Trunk.VIT_SMALL_PATCH14_DINOV2)
    variables, image = convert(draw_state(spec), spec), draw_image(spec)
    exact = apply_taps(spec, variables, image)['block_1']
    rounded = apply_taps(spec, variables, image, dtype=jnp.dtype(jnp.bfloat16))['block_1']
    assert 0 < float(jnp.abs(rounded - exact).max()) < 0.2


def test_no_patch_attends_to_padding():
    spec = small(c.Trunk.VIT_SMALL_PATCH16_DINOV3)
    variables, image = convert(draw_state(spec), spec), draw_image(spec)
    valid = np.ones(image.shape[:3], bool)
    valid[:, :, 4 * spec.patch - 3 :] = False  # a part of the fourth column of patches is there
    other = np.where(valid[..., None], image, 5)
    other[:, :, : 4 * spec.patch] = image[:, :, : 4 * spec.patch]
    first, second = (apply_taps(spec, variables, x, valid)['block_1'] for x in (image, other))
    np.testing.assert_allclose(first[:, :, :4], second[:, :, :4], atol=1e-5)


@pytest.fixture
def tiny_trunk(monkeypatch) -> c.Trunk:
    """A trunk of two blocks with one head, under the name of a larger one."""
    trunk = c.Trunk.VIT_SMALL_PATCH14_DINOV2
    monkeypatch.setitem(TRUNKS, trunk, describe_vit(small(trunk, heads=1)))
    return trunk


def test_frozen_blocks_have_no_gradient(tiny_trunk):
    image, valid = jnp.ones((1, 28, 28, 3), jnp.uint8), jnp.ones((1, 28, 28), bool)
    model = c.ModelConfig(trunk=tiny_trunk, scales=1, frozen_blocks=1)
    network = Network(model, {})
    params, stats = jax.jit(network.init)(jax.random.PRNGKey(0))

    def total(shared: dict) -> jax.Array:
        features, _ = network.features(shared, stats, image, valid)
        return sum(jnp.abs(x).sum() for x in jax.tree.leaves(features))

    gradient = jax.jit(jax.grad(total))(params[SHARED])['trunk']
    moved = {name for name, tree in gradient.items() if any(map(np.any, jax.tree.leaves(tree)))}
    assert moved == {'block_1', 'norm'}  # the solver does not update the norm
    assert TRUNKS[tiny_trunk].frozen(1) == {'embedding', 'norm', 'block_0'}


def test_all_heads_work_on_patches(tiny_trunk):
    """Dense tasks of every stride have the resolution of their targets."""
    tasks = {
        'normals': c.Normals(),
        'segmentation': c.Segmentation(classes=('background', 'cat'), stride=8, hidden=3),
        'detection': c.Detection(
            classes=('background', 'cat'), detector=c.DetectionConfig(width=8, anchor_scales=(1, 2))
        ),
    }
    network = Network(c.ModelConfig(trunk=tiny_trunk, scales=1), tasks)

    def run() -> tuple[dict, jax.Array]:
        params, stats = network.init(jax.random.PRNGKey(0))
        image, valid = jnp.zeros((1, 42, 70, 3), jnp.uint8), jnp.ones((1, 42, 70), bool)
        features, _ = network.features(params[SHARED], stats, image, valid)
        sizes, scales = jnp.array([[42, 70]]), jnp.ones((1, 2))
        return {
            name: task.predict(network.head(name), params[name], features, sizes, scales)
            for name, task in tasks.items()
        }, features.conv5

    outputs, conv5 = jax.eval_shape(run)
    assert outputs['normals'].shape == (1, 42, 70, 3)
    assert outputs['segmentation'].shape == (1, 6, 9, 2)
    assert outputs['detection'].proposals.boxes.shape[-1] == 4
    assert conv5.shape == (1, 3, 5, 64)
    scores = np.zeros((6, 9, 2), np.float32)
    finished = finish_one(tasks['segmentation'], scores, (42, 70), (9, 20))
    assert finished.shape == (9, 20)


def test_scores_are_finished_where_they_lie():
    """The last score of stride 8 lies at pixel 40 of 42, not at the border of the image."""
    scores = np.stack([np.zeros((6, 9)), np.arange(9.0) - 4.9 + np.zeros((6, 1))], -1)
    task = c.Segmentation(classes=('background', 'cat'), stride=8)
    classes = finish_one(task, scores.astype(np.float32), (42, 70), (42, 70))
    assert np.flatnonzero(classes[0]).min() == 40  # 4.9 * 8 = 39.2


def test_anchors_are_centred_on_patches():
    anchors = image_anchors(jnp.zeros((1, 2, 3, 8)), (1.0,), 14).reshape(2, 3, 3, 4)
    centres = np.asarray((anchors[..., :2] + anchors[..., 2:]) / 2)
    np.testing.assert_array_equal(centres[1, 2, :, 0], 2 * 14 + 7)
    np.testing.assert_array_equal(centres[1, 2, :, 1], 14 + 7)


def test_scores_of_patches_are_interpolated_between_their_centres():
    ramp = np.arange(4, dtype=np.float32)  # at the pixels 1.5, 5.5, 9.5 and 13.5
    x = np.broadcast_to(ramp.reshape(1, 1, 4, 1), (1, 2, 4, 1))
    result = from_patches(jnp.asarray(x), 4, 2)
    assert result.shape == (1, 4, 8, 1)
    wanted = np.clip((np.arange(0, 16, 2) - 1.5) / 4, 0, 3)
    np.testing.assert_allclose(result[0, 2, :, 0], wanted, atol=1e-6)


@pytest.mark.parametrize(
    ('settings', 'field'),
    [
        ({'scales': 2}, 'model.scales is 2'),
        ({'frozen_blocks': 13}, 'model.frozen_blocks is 13'),
        ({}, 'data.buckets is .*321.*14k'),
    ],
)
def test_settings_that_the_trunk_cannot_have_are_refused(settings, field):
    model = {'trunk': c.Trunk.VIT_SMALL_PATCH14_DINOV2, 'scales': 1} | settings
    model = c.ModelConfig(initialisation=c.Initialisation.RANDOM, **model)
    with pytest.raises(UserError, match=field):
        validate(c.Config(steps=1, tasks={'normals': c.Normals()}, model=model))
