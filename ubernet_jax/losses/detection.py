"""The four losses of the detector: of classes and boxes, in both stages (Fast R-CNN).

Shape letters: N images, S samples of an image, K classes with the background.
"""

import jax
import jax.numpy as jnp
import optax

from ubernet_jax.models.box_targets import SampledOutputs
from ubernet_jax.models.settings import DetectionConfig

PROPOSAL_SIGMA = 3.0  # the smooth L1 loss of proposals is linear beyond 1 / 9
BOX_SIGMA = 1.0


def detection_loss(
    stages: tuple[SampledOutputs, SampledOutputs], labelled: jax.Array, config: DetectionConfig
) -> jax.Array:
    """Computes the weighted sum of all four losses (N,); 0 for unlabelled images.

    Args:
      stages: outputs of the proposal stage and of the box stage.
      labelled: bool (N,).
      config: weights of the losses.
    """
    proposals, boxes = stages
    losses = (
        config.proposal_class_weight * class_loss(proposals)
        + config.proposal_box_weight * box_loss(proposals, PROPOSAL_SIGMA)
        + config.box_class_weight * class_loss(boxes)
        + config.box_weight * box_loss(boxes, BOX_SIGMA)
    )
    return jnp.where(labelled, losses, 0)


def class_loss(stage: SampledOutputs) -> jax.Array:
    """Softmax cross-entropy (N,), averaged over each image's samples."""
    samples = stage.samples
    loss = optax.losses.softmax_cross_entropy_with_integer_labels(stage.scores, samples.classes)
    return _image_means(loss, samples.valid, samples.valid)


def box_loss(stage: SampledOutputs, sigma: float) -> jax.Array:
    """Smooth L1 loss (N,) of the positive samples, divided by the number of all samples."""
    samples = stage.samples
    difference = smooth_l1(stage.deltas - samples.deltas, sigma).sum(-1)
    return _image_means(difference, samples.valid & (samples.classes > 0), samples.valid)


def smooth_l1(x: jax.Array, sigma: float) -> jax.Array:
    """Quadratic below 1 / sigma^2, linear above (Fast R-CNN, arXiv 1504.08083)."""
    magnitude = jnp.abs(x)
    quadratic = 0.5 * (sigma * magnitude) ** 2
    return jnp.where(magnitude < 1 / sigma**2, quadratic, magnitude - 0.5 / sigma**2)


def _image_means(loss: jax.Array, counted: jax.Array, samples: jax.Array) -> jax.Array:
    return jnp.where(counted, loss, 0).sum(1) / jnp.maximum(samples.sum(1), 1)
