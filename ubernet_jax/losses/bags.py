"""Multiple-instance loss of boundaries: a bag of neighbours around each boundary pixel."""

import functools

import jax
import jax.numpy as jnp

from ubernet_jax.labels import VOID


def multiple_instance(
    scores: jax.Array,
    target: jax.Array,
    valid: jax.Array,
    bag_radius: int,
    positive_weight: float,
    negative_weight: float,
) -> tuple[jax.Array, jax.Array]:
    """Weighted cross-entropy that forgives small shifts of boundaries (arXiv 1511.07386).

    Each boundary pixel's loss uses the best score of its class within `bag_radius` pixels (a
    square). A non-boundary pixel inside such a bag is not counted.

    Args:
      scores: (N, H, W, C); class 0 is "no boundary".
      target: (N, H, W) class indices.
      valid: bool (N, H, W); no bag reaches into the padding.
      bag_radius: in pixels; 0 is plain weighted cross-entropy.
      positive_weight: of boundary pixels.
      negative_weight: of the others.

    Returns:
      The loss (N, H, W), and whether a pixel counts.
    """
    positive = (target > 0) & (target != VOID) & valid
    label = jnp.where(positive, target, 0)
    normaliser = jax.nn.logsumexp(scores, -1)
    log_probability = jnp.where(valid[..., None], scores - normaliser[..., None], -jnp.inf)
    best = best_of_bag(jax.lax.stop_gradient(log_probability), label, bag_radius)
    # Two pixels with one best neighbour add equal numbers to its gradient: their order is free.
    best_score = scores.reshape(-1, scores.shape[-1])[best, label]
    positive_loss = normaliser.ravel()[best] - best_score
    negative_loss = normaliser - scores[..., 0]
    loss = jnp.where(positive, positive_weight * positive_loss, negative_weight * negative_loss)
    near_boundary = positive[..., None].astype(jnp.float32)
    for axis in (1, 2):
        near_boundary = window_maximum(near_boundary, bag_radius, axis)
    return loss, positive | ((target == 0) & (near_boundary[..., 0] == 0))


def best_of_bag(values: jax.Array, label: jax.Array, radius: int) -> jax.Array:
    """Where in the bag around each pixel the value of the pixel's class is highest.

    First which column of the bag holds it, then which row of that column. Values are looked up for
    one class a pixel: a tenth of the work of the gradient of a maximum over all classes.

    Args:
      values: (N, H, W, C).
      label: (N, H, W), the class that each pixel asks for.
      radius: of the bag, in pixels; at the border of the image it is smaller.

    Returns:
      Pixels (N, H, W), int32, numbered through the whole batch.
    """
    images, height, width, channels = values.shape
    pixels = jnp.arange(images * height * width, dtype=jnp.int32).reshape(label.shape)
    shifts = range(-radius, radius + 1)

    def search(values: jax.Array, candidates: list[jax.Array]) -> jax.Array:
        table = values.reshape(-1, channels)
        best, highest = candidates[0], table[candidates[0], label]
        for candidate in candidates[1:]:
            value = table[candidate, label]
            best = jnp.where(value > highest, candidate, best)
            highest = jnp.maximum(value, highest)
        return best

    # Clipped: beyond the border, the bag's own last pixel is looked at once more.
    columns = [jnp.clip(jnp.arange(width) + shift, 0, width - 1) for shift in shifts]
    best = search(window_maximum(values, radius, 1), [pixels[:, :, column] for column in columns])
    row = best // width % height
    rows = [jnp.clip(row + shift, 0, height - 1) for shift in shifts]
    return search(values, [best + (other - row) * width for other in rows])


def window_maximum(x: jax.Array, radius: int, axis: int) -> jax.Array:
    """Maximum of (N, H, W, C) over the 2 * radius + 1 neighbours of each pixel along an axis."""
    padding = [(radius, radius) if a == axis else (0, 0) for a in range(4)]
    padded = jnp.pad(x, padding, constant_values=-jnp.inf)
    size = x.shape[axis]
    shifted = [
        jax.lax.slice_in_dim(padded, shift, shift + size, axis=axis)
        for shift in range(2 * radius + 1)
    ]
    return functools.reduce(jnp.maximum, shifted)
