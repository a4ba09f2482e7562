"""Greedy non-maximum suppression at fixed size, tile by tile.

Boxes are visited best first, a tile at a time: those that overlap with one kept before fall, the
rest of the tile is settled among itself, and the survivors join the kept. Memory is a tile times
the number kept, never boxes times boxes.
"""

import jax
import jax.numpy as jnp
from jax import lax

from ubernet_jax.ops.boxes import intersection_over_union

Array = jax.Array

TILE = 256  # boxes


def suppress(
    boxes: Array, scores: Array, valid: Array, threshold: float, size: int
) -> tuple[Array, Array]:
    """Keeps at most `size` boxes: exactly those that the greedy loop over single boxes keeps.

    Args:
      boxes: (K, 4), as `ops.boxes` defines them.
      scores: (K,); of equal ones the lower index goes first.
      valid: bool (K,); others are neither kept nor do they suppress.
      threshold: a box falls if its IoU with a kept one is above this.
      size: static; visiting stops once so many are kept.

    Returns:
      Indices int32 (size,) of the kept boxes, best first, and bool (size,), False on the filler
      behind them. No gradient flows through the choice.
    """
    # A choice has no gradient; said here, none is traced through the loops.
    boxes, scores = lax.stop_gradient((boxes, scores))
    order = jnp.argsort(jnp.where(valid, -scores, jnp.inf), stable=True).astype(jnp.int32)
    count = boxes.shape[0]
    tiles = -(-count // TILE)
    order = jnp.pad(order, (0, tiles * TILE - count))
    waiting = valid[order] & (jnp.arange(tiles * TILE) < count)

    def unfinished(state: tuple) -> Array:
        tile, found, _, _ = state
        return (tile < tiles) & (found < size)

    def visit(state: tuple) -> tuple:
        tile, found, kept, indices = state
        own = lax.dynamic_slice_in_dim(order, tile * TILE, TILE)
        candidates = boxes[own]
        # Rows of `kept` not yet filled are boxes without area, which overlap with nothing.
        fallen = (intersection_over_union(candidates, kept) > threshold).any(1)
        alive = lax.dynamic_slice_in_dim(waiting, tile * TILE, TILE) & ~fallen
        alive = _settle(candidates, alive, threshold)
        place = jnp.where(alive, found + jnp.cumsum(alive) - 1, size)
        kept = kept.at[place].set(candidates, mode='drop')
        indices = indices.at[place].set(own, mode='drop')
        return tile + 1, found + alive.sum(), kept, indices

    start = (0, 0, jnp.zeros((size, 4), boxes.dtype), jnp.zeros(size, jnp.int32))
    _, found, _, indices = lax.while_loop(unfinished, visit, start)
    return indices, jnp.arange(size) < found


def _settle(boxes: Array, alive: Array, threshold: float) -> Array:
    """Suppression within one sorted tile: which (TILE,) of the `alive` are kept.

    Each round recomputes every box from the round before. After n rounds at least the first n + 1
    are as the greedy loop has them, and whatever a round leaves unchanged is its only solution.
    """
    overlaps = intersection_over_union(boxes, boxes) > threshold
    falls_to = overlaps & jnp.tri(TILE, k=-1, dtype=bool)  # (fallen, kept): the kept comes first

    def settle_again(state: tuple[Array, Array]) -> tuple[Array, Array]:
        _, kept = state
        return kept, alive & ~(falls_to & kept[None]).any(1)

    start = (jnp.zeros_like(alive), alive)
    return lax.while_loop(lambda state: (state[0] != state[1]).any(), settle_again, start)[1]
