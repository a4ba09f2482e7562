"""Loss weights of the tasks, learnt together with the tasks (Kendall et al., arXiv 1705.07115)."""

import jax
import jax.numpy as jnp

LOG_VARIANCE = 'log_variance'  # name of a scalar in each task's parameter group


def uncertain_loss(losses: jax.Array, labelled: jax.Array, log_variance: jax.Array) -> jax.Array:
    """Multiplies the loss of each labelled image by exp(-s) and adds s / 2.

    The paper uses this form for classification, and for regression with halved squares, as in the
    smooth L1 loss. It is minimal where exp(s) is twice the mean loss.

    Args:
      losses: of the images (N,); 0 without a label.
      labelled: bool (N,).
      log_variance: s, of the task.
    """
    return jnp.exp(-log_variance) * losses + 0.5 * labelled * log_variance
