"""Multiple-instance loss for boundaries, with a bag of neighbours around each boundary pixel."""

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
    """Weighted cross-entropy that tolerates small shifts of boundaries (arXiv 1511.07386).

    The loss of a boundary pixel uses the best score of its class in a square of `bag_radius` pixels
    on every side, its bag. A non-boundary pixel inside a bag does not count.

    Args:
      scores: (N, H, W, C); class 0 is "no boundary".
      target: (N, H, W) class indices.
      valid: bool (N, H, W), False on padding, which is excluded from the bags.
      bag_radius: in pixels; 0 is plain weighted cross-entropy.
      positive_weight: weight of boundary pixels.
      negative_weight: weight of the other pixels.

    Returns:
      The loss (N, H, W), and bool (N, H, W), the pixels that count.
    """
    positive = (target > 0) & (target != VOID) & valid
    target_class = jnp.where(positive, target, 0)
    normaliser = jax.nn.logsumexp(scores, -1)
    log_probability = jnp.where(valid[..., None], scores - normaliser[..., None], -jnp.inf)
    best = best_of_bag(jax.lax.stop_gradient(log_probability), target_class, bag_radius)
    # If pixels share a best neighbour, its gradient is a sum of equal numbers, in any order.
    best_score = scores.reshape(-1, scores.shape[-1])[best, target_class]
    positive_loss = normaliser.ravel()[best] - best_score
    negative_loss = normaliser - scores[..., 0]
    loss = jnp.where(positive, positive_weight * positive_loss, negative_weight * negative_loss)
    near_boundary = positive[..., None].astype(jnp.float32)
    for axis in (1, 2):
        near_boundary = window_maximum(near_boundary, bag_radius, axis)
    return loss, positive | ((target == 0) & (near_boundary[..., 0] == 0))


def best_of_bag(values: jax.Array, target_class: jax.Array, radius: int) -> jax.Array:
    """Finds the pixel in the bag around each pixel with the highest value of the pixel's class.

    The search first finds the bag's column with the highest value, then the row in that column. It
    looks up a single class per pixel, which takes a tenth of the work of differentiating a maximum
    over all classes.

    Args:
      values: (N, H, W, C).
      target_class: (N, H, W), the class to search for around each pixel.
      radius: radius of the bag in pixels; at the border of the image the bag is smaller.

    Returns:
      Pixel indices int32 (N, H, W) into the flattened batch.
    """
    images, height, width, channels = values.shape
    pixels = jnp.arange(images * height * width, dtype=jnp.int32).reshape(target_class.shape)
    shifts = range(-radius, radius + 1)

    def search(values: jax.Array, candidates: list[jax.Array]) -> jax.Array:
        table = values.reshape(-1, channels)
        best, highest = candidates[0], table[candidates[0], target_class]
        for candidate in candidates[1:]:
            value = table[candidate, target_class]
            best = jnp.where(value > highest, candidate, best)
            highest = jnp.maximum(value, highest)
        return best

    # Clipped at the border, where the bag's last pixel is visited again.
    columns = [jnp.clip(jnp.arange(width) + shift, 0, width - 1) for shift in shifts]
    best = search(window_maximum(values, radius, 1), [pixels[:, :, column] for column in columns])
    row = best // width % height
    rows = [jnp.clip(row + shift, 0, height - 1) for shift in shifts]
    return search(values, [best + (candidate - row) * width for candidate in rows])


def window_maximum(x: jax.Array, radius: int, axis: int) -> jax.Array:
    """Maximum of x (N, H, W, C) over windows of 2 * radius + 1 pixels along an axis."""
    padding = [(radius, radius) if a == axis else (0, 0) for a in range(4)]
    padded = jnp.pad(x, padding, constant_values=-jnp.inf)
    size = x.shape[axis]
    shifted = [
        jax.lax.slice_in_dim(padded, shift, shift + size, axis=axis)
        for shift in range(2 * radius + 1)
    ]
    return functools.reduce(jnp.maximum, shifted)
