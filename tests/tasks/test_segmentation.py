"""The weight of the background in the loss of segmentation, and the skips of its head."""

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.labels import VOID
from ubernet_jax.models.pyramid import Features
from ubernet_jax.models.settings import ModelConfig
from ubernet_jax.tasks import Segmentation

CLASSES = ('background', 'cat', 'dog')


def test_the_background_counts_with_its_weight_and_void_does_not():
    target = jnp.array([[[0, 1], [2, VOID]]], jnp.uint8)
    scores = jnp.asarray(np.random.default_rng(0).normal(size=(1, 2, 2, 3)), jnp.float32)
    valid = jnp.ones((1, 2, 2), bool)
    plain, _ = Segmentation(classes=CLASSES).pixel_loss(scores, target, valid)
    task = Segmentation(classes=CLASSES, background_weight=0.25)
    loss, counted = task.pixel_loss(scores, target, valid)
    np.testing.assert_allclose(loss, plain * jnp.array([[[0.25, 1], [1, 1]]]), rtol=1e-6)
    np.testing.assert_array_equal(counted, [[[True, True], [True, False]]])


def test_a_head_reads_only_the_skips_that_are_named():
    model = ModelConfig(scales=1)
    names = ('conv2_2', 'conv3_3')
    task = Segmentation(classes=CLASSES, skips=names)
    head = task.head(model)
    rng = np.random.default_rng(0)
    shapes = {'conv1_2': (17, 4), 'conv2_2': (9, 5), 'conv3_3': (5, 6)}
    skips = {
        tap: jnp.asarray(rng.normal(size=(1, side, side, width)), jnp.float32)
        for tap, (side, width) in shapes.items()
    }

    def scores(skips: dict[str, jax.Array]) -> jax.Array:
        return task.outputs(head, params, Features([skips], skips['conv3_3']), *[None] * 4)[-1]

    params = task.init_head(head, jax.random.PRNGKey(0), Features([skips], skips['conv3_3']))
    assert params.keys() == {*names, 'fuse_skips'}
    gradients = jax.grad(lambda skips: (scores(skips) ** 2).sum())(skips)
    used = [tap for tap, gradient in gradients.items() if np.any(gradient)]
    assert used == [*names]
