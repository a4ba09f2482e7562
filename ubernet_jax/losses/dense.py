"""Losses of the dense tasks (paper, section 2.4).

Each loss of a pixel is unreduced: it returns (loss, counted), both (N, H, W). `dense_loss` is the
one place where void pixels, padding and unlabelled images are masked and where the denominator is
chosen: an image's loss is the mean over its counted pixels, and images are summed.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from ubernet_jax.labels import VOID
from ubernet_jax.ops.custom_vjp.loss import with_gradient
from ubernet_jax.ops.interpolate import subsample

PixelLoss = Callable[[jax.Array, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]
LENGTH_EPSILON = 1e-6  # under the root of a vector's length: keeps its gradient finite at zero


def dense_loss(
    pixel_loss: PixelLoss,
    maps: list[jax.Array],
    target: jax.Array,
    valid: jax.Array,
    labelled: jax.Array,
    stride: int,
    scale_weight: jax.Array | float = 1.0,
) -> jax.Array:
    """Sum over the labelled images of a task's loss, added up over the network's score maps.

    Args:
      pixel_loss: from scores (N, h, w, C), the target and what is valid, both at the scores'
        resolution, to the loss (N, h, w) and whether a pixel counts.
      maps: score maps (N, h, w, C) at the task's resolution, all trained on the same target.
      target: (N, H, W, ...) at the image's resolution.
      valid: bool (N, H, W), False on padding.
      labelled: bool (N,).
      stride: pixels of the image per score.
      scale_weight: factor on the loss of all maps but the last, which is the fused one.

    Returns:
      A scalar; its gradient with respect to an unlabelled image's scores is exactly zero.
    """
    target = subsample(target, stride)
    valid = subsample(valid, stride) & labelled.reshape(-1, 1, 1)

    def loss(scores: jax.Array) -> jax.Array:
        of_pixels, counted = pixel_loss(scores, target, valid)
        return image_means(of_pixels, counted & valid).sum()

    weights = [scale_weight] * (len(maps) - 1) + [1.0]
    losses = map(with_gradient(loss), maps)
    return sum(weight * own for weight, own in zip(weights, losses, strict=True))


def image_means(loss: jax.Array, counted: jax.Array) -> jax.Array:
    """Mean (N,) of a loss (N, H, W) over each image's counted pixels; 0 where none is counted."""
    # A select, not a product: the loss of a pixel that is not counted may be infinite.
    total = jnp.where(counted, loss, 0).sum((1, 2))
    return total / jnp.maximum(counted.sum((1, 2)), 1)


def cross_entropy(scores: jax.Array, target: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Softmax cross-entropy of scores (N, H, W, C) with class indices (N, H, W)."""
    return -_of_class(jax.nn.log_softmax(scores), target), target != VOID


def unit_vector(
    scores: jax.Array, target: jax.Array, transition: float
) -> tuple[jax.Array, jax.Array]:
    """Smooth L1 between scores (N, H, W, 3), brought to unit length, and unit vectors.

    The loss is quadratic for differences below `transition` and linear above. Zero targets are
    not counted.
    """
    difference = jnp.abs(to_unit_length(scores) - target)
    quadratic = 0.5 * difference**2 / transition
    linear = difference - 0.5 * transition
    return jnp.where(difference < transition, quadratic, linear).sum(-1), (target != 0).any(-1)


def to_unit_length(vectors: jax.Array) -> jax.Array:
    """Scales vectors (..., 3) to length 1; the gradient is finite at zero."""
    return vectors * jax.lax.rsqrt((vectors**2).sum(-1, keepdims=True) + LENGTH_EPSILON)


def _of_class(values: jax.Array, index: jax.Array) -> jax.Array:
    """Picks values (N, H, W, C) at index (N, H, W); 0 where the index is no class.

    A masked sum: the gradient of a gather is a scatter, which is slow on every backend.
    """
    classes = jnp.arange(values.shape[-1]).reshape(1, 1, 1, -1)
    return jnp.where(classes == index[..., None], values, 0).sum(-1)
