"""The weight of the background in the loss of segmentation."""

import jax.numpy as jnp
import numpy as np
import pytest

from ubernet_jax.errors import UserError
from ubernet_jax.labels import VOID
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


@pytest.mark.parametrize('weight', [0, -1, float('nan'), float('inf')])
def test_a_weight_that_is_not_positive_is_refused(weight):
    with pytest.raises(UserError, match=r'tasks\.road\.background_weight'):
        Segmentation(background_weight=weight).validate('tasks.road')
