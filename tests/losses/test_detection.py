"""The four losses of the detector, compared with literal numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ubernet_jax.losses.detection import box_loss, class_loss, detection_loss, smooth_l1
from ubernet_jax.models.box_targets import BoxSamples, SampledOutputs
from ubernet_jax.models.settings import DetectionConfig

LN2 = np.log(2)  # cross-entropy of two equal scores


def make_stage() -> SampledOutputs:
    """An image with three samples: an object with an error of 2 in a delta, background, padding."""
    samples = BoxSamples(
        boxes=jnp.zeros((1, 3, 4)),
        indices=jnp.zeros((1, 3), jnp.int32),
        classes=jnp.array([[1, 0, 1]]),
        deltas=jnp.array([[[0, 2, 0, 0], [9, 9, 9, 9], [9, 9, 9, 9]]], jnp.float32),
        valid=jnp.array([[True, True, False]]),
    )
    scores = jnp.array([[[0, 0], [0, 0], [5, -5]]], jnp.float32)
    return SampledOutputs(scores, jnp.zeros((1, 3, 4)), samples)


def test_smooth_l1_is_linear_beyond_one_over_sigma_squared():
    np.testing.assert_allclose(smooth_l1(jnp.array([0, 0.5, 1, -3]), 1.0), [0, 0.125, 0.5, 2.5])
    np.testing.assert_allclose(
        smooth_l1(jnp.array([0.1, -1 / 9, 1]), 3.0), [0.045, 1 / 18, 1 - 1 / 18], rtol=1e-6
    )


def test_padding_does_not_count_and_background_has_no_box_loss():
    stage = make_stage()
    np.testing.assert_allclose(class_loss(stage), [LN2])
    np.testing.assert_allclose(box_loss(stage, 1.0), [1.5 / 2])  # mean over both samples


@pytest.mark.parametrize(
    ('weights', 'expected'),
    [
        ({}, 2 * LN2 + (2 - 1 / 18) / 2 + 0.75),
        ({'proposal_class_weight': 3.0}, 4 * LN2 + (2 - 1 / 18) / 2 + 0.75),
        ({'proposal_box_weight': 0.0}, 2 * LN2 + 0.75),
        ({'box_class_weight': 0.0, 'box_weight': 2.0}, LN2 + (2 - 1 / 18) / 2 + 1.5),
    ],
)
def test_each_loss_has_its_weight(weights, expected):
    stages = (make_stage(), make_stage())
    (loss,) = detection_loss(stages, jnp.array([True]), DetectionConfig(**weights))
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_an_unlabelled_image_has_no_loss_and_no_gradient():
    stage = make_stage()

    def loss(scores, deltas):
        replaced = stage.replace(scores=scores, deltas=deltas)
        return detection_loss((replaced, replaced), jnp.array([False]), DetectionConfig()).sum()

    value, gradients = jax.value_and_grad(loss, argnums=(0, 1))(stage.scores, stage.deltas)
    assert value == 0 and not any(leaf.any() for leaf in gradients)
