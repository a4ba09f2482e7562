"""Losses of the dense tasks (paper, section 2.4).

Losses of pixels are unreduced: they return (loss, counted), both (N, H, W). Only `dense_loss` masks
void pixels, padding and unlabelled images, and chooses the denominator: an image's loss is the mean
over its counted pixels.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ubernet_jax.labels import VOID
from ubernet_jax.ops.custom_vjp.loss import with_gradient

PixelLoss = Callable[[jax.Array, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]
LENGTH_EPSILON = 1e-6  # added to a squared length, so that the gradient is finite at zero


def dense_loss(
    pixel_loss: PixelLoss,
    maps: list[jax.Array],
    target: jax.Array,
    valid: jax.Array,
    labelled: jax.Array,
    scale_weight: jax.Array | float = 1.0,
) -> jax.Array:
    """Computes the loss of each image, summed over the network's score maps.

    Args:
      pixel_loss: maps scores (N, h, w, C), target and valid pixels to the loss (N, h, w) and the
        pixels that count.
      maps: score maps (N, h, w, C), all trained on the same target.
      target: (N, h, w, ...), for the pixels that have scores.
      valid: bool (N, h, w), False on padding.
      labelled: bool (N,).
      scale_weight: factor on the loss of all maps except the last, which is the fused map.

    Returns:
      (N,), 0 for unlabelled images; the gradient with respect to their scores is exactly zero.
    """
    valid = valid & labelled.reshape(-1, 1, 1)

    def loss(scores: jax.Array) -> jax.Array:
        pixel_losses, counted = pixel_loss(scores, target, valid)
        return image_means(pixel_losses, counted & valid)

    losses = jnp.zeros(len(labelled))
    for index, scores in enumerate(maps):
        # The barrier makes a map wait for the one before it: all at once need several times the
        # memory of the scores.
        scores, losses = jax.lax.optimization_barrier((scores, losses))
        weight = scale_weight if index < len(maps) - 1 else 1.0
        losses += weight * with_gradient(loss)(scores)
    return losses


def image_means(loss: jax.Array, counted: jax.Array) -> jax.Array:
    """Mean (N,) of a loss (N, H, W) over each image's counted pixels; 0 if there are none."""
    # `where` instead of a product, because the loss of a pixel that does not count may be infinite.
    total = jnp.where(counted, loss, 0).sum((1, 2))
    return total / jnp.maximum(counted.sum((1, 2)), 1)


def cross_entropy(scores: jax.Array, target: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Softmax cross-entropy of scores (N, H, W, C) with class indices (N, H, W)."""
    return -_select_class(jax.nn.log_softmax(scores), target), target != VOID


def soft_cross_entropy(scores: jax.Array, share: jax.Array) -> jax.Array:
    """Softmax cross-entropy (N, H, W) of two scores (N, H, W, 2) with a probability (N, H, W).

    Args:
      scores: of the two classes.
      share: probability of the second class, 0 to 1.
    """
    first, second = jnp.moveaxis(jax.nn.log_softmax(scores), -1, 0)
    return -((1 - share) * first + share * second)


def unit_vector(
    scores: jax.Array, target: jax.Array, transition: float
) -> tuple[jax.Array, jax.Array]:
    """Smooth L1 loss between scores (N, H, W, 3), scaled to unit length, and unit vectors.

    The loss is quadratic for differences below `transition` and linear above. Pixels whose target
    is zero do not count.
    """
    difference = jnp.abs(to_unit_length(scores) - target)
    quadratic = 0.5 * difference**2 / transition
    linear = difference - 0.5 * transition
    return jnp.where(difference < transition, quadratic, linear).sum(-1), (target != 0).any(-1)


def length_error(vectors: jax.Array) -> jax.Array:
    """Squared difference (...) of the lengths of vectors (..., 3) from 1."""
    length = jnp.sqrt((vectors**2).sum(-1) + LENGTH_EPSILON)
    return (length - 1) ** 2


def to_unit_length(vectors: jax.Array) -> jax.Array:
    """Scales vectors (..., C) to length 1; the gradient is finite at zero."""
    return vectors * jax.lax.rsqrt((vectors**2).sum(-1, keepdims=True) + LENGTH_EPSILON)


def _select_class(values: jax.Array, index: jax.Array) -> jax.Array:
    """Selects values (N, H, W, C) at class indices (N, H, W); 0 where the index is not a class.

    This is a masked sum, because the gradient of a gather is a scatter, which is slow on every
    backend.
    """
    classes = jnp.arange(values.shape[-1]).reshape(1, 1, 1, -1)
    return jnp.where(classes == index[..., None], values, 0).sum(-1)
