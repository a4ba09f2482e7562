"""Balanced random sampling of positive and negative boxes, with a fixed sample size."""

import jax
import jax.numpy as jnp

from ubernet_jax.ops.anchors import Assignment

Array = jax.Array


def sample(rng: Array, assignment: Array, size: int, positive_share: float) -> tuple[Array, Array]:
    """Draws boxes without replacement; boxes of the same assignment are equally probable.

    Args:
      rng: a JAX random key.
      assignment: `Assignment` (A,).
      size: number of boxes to draw; static.
      positive_share: at most this share of `size`, rounded, is POSITIVE; the rest is NEGATIVE.

    Returns:
      Indices int32 (size,), those of POSITIVE boxes first, and bool (size,), False on the padding
      at the end if there are too few boxes.
    """
    noise = jax.random.uniform(rng, assignment.shape)
    positive, negative = (assignment == a for a in (Assignment.POSITIVE, Assignment.NEGATIVE))
    # The shuffled positives, then the shuffled negatives, then the ignored boxes.
    order = jnp.argsort(jnp.where(positive, noise, jnp.where(negative, 1 + noise, 2)))
    positives = jnp.minimum(positive.sum(), round(size * positive_share))
    slot = jnp.arange(size)
    rank = jnp.where(slot < positives, slot, slot - positives + positive.sum())
    indices = jnp.take(order, rank, mode='clip').astype(jnp.int32)
    return indices, slot < positives + negative.sum()
