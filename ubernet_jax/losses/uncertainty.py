"""Loss weights of the tasks, learnt together with the tasks (Kendall et al., arXiv 1705.07115)."""

import jax
import jax.numpy as jnp

LOG_VARIANCE = 'log_variance'  # name of a scalar in each task's parameter group


def uncertain_loss(loss: jax.Array, count: jax.Array, log_variance: jax.Array) -> jax.Array:
    """Multiplies each image's loss by exp(-s), adds s / 2, and sums over the images.

    The paper uses this form for classification, and for regression with halved squares, as in the
    smooth L1 loss. It is minimal where exp(s) is twice the mean loss.

    Args:
      loss: sum over the labelled images.
      count: number of labelled images.
      log_variance: s, of the task.
    """
    return jnp.exp(-log_variance) * loss + 0.5 * count * log_variance
