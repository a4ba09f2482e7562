"""Balanced random sampling of assigned boxes, at a fixed size."""

import jax
import jax.numpy as jnp

from ubernet_jax.ops.anchors import Assignment

Array = jax.Array


def sample(rng: Array, assignment: Array, size: int, positive_share: float) -> tuple[Array, Array]:
    """Draws boxes without replacement, each of a kind with the same probability.

    Args:
      rng: a JAX random key.
      assignment: `Assignment` (A,).
      size: static; how many to draw.
      positive_share: at most this share of `size`, rounded, is POSITIVE; NEGATIVE ones fill up.

    Returns:
      Indices int32 (size,), the POSITIVE ones first, and bool (size,), False on the filler behind
      them where there are not enough.
    """
    noise = jax.random.uniform(rng, assignment.shape)
    positive, negative = (assignment == kind for kind in (Assignment.POSITIVE, Assignment.NEGATIVE))
    # One shuffled list: the positives, then the negatives, then the ignored.
    order = jnp.argsort(jnp.where(positive, noise, jnp.where(negative, 1 + noise, 2)))
    positives = jnp.minimum(positive.sum(), round(size * positive_share))
    slot = jnp.arange(size)
    place = jnp.where(slot < positives, slot, slot - positives + positive.sum())
    indices = jnp.take(order, place, mode='clip').astype(jnp.int32)
    return indices, slot < positives + negative.sum()
