"""Weights of the tasks' losses, learnt with the tasks (Kendall et al., arXiv 1705.07115)."""

import jax
import jax.numpy as jnp

LOG_VARIANCE = 'log_variance'  # of a task: a scalar of its parameter group


def uncertain_loss(loss: jax.Array, count: jax.Array, log_variance: jax.Array) -> jax.Array:
    """Each image's loss times exp(-s), plus s / 2, summed over the images.

    The paper has this form for classes, and for distances with their squares halved, as smooth L1
    has them. It is least where exp(s) is twice the mean loss.

    Args:
      loss: sum over the labelled images.
      count: their number.
      log_variance: s, of the task.
    """
    return jnp.exp(-log_variance) * loss + 0.5 * count * log_variance
