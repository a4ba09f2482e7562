"""Greedy non-maximum suppression with a fixed output size, computed tile by tile.

Boxes are visited by descending score, a tile at a time. Boxes of a tile that overlap with a kept
box are suppressed; then suppression is applied among the rest of the tile; the survivors are added
to the kept boxes. Memory grows with the tile size times the number of kept boxes, not with the
square of the number of boxes.

Every trip of a loop costs an accelerator a round trip to the host. Tiles are therefore large, and
each trip of the inner loop has several rounds.
"""

import jax
import jax.numpy as jnp
from jax import lax

from ubernet_jax.ops.boxes import intersection_over_union

Array = jax.Array

TILE = 1024  # boxes
ROUNDS = 8  # of settling in a trip of the loop within a tile


def suppress(
    boxes: Array, scores: Array, valid: Array, threshold: float, size: int
) -> tuple[Array, Array]:
    """Keeps at most `size` boxes: exactly those that a greedy loop over single boxes keeps.

    Args:
      boxes: (K, 4), as defined in `ops.boxes`.
      scores: (K,); of boxes with equal scores, the lower index is visited first.
      valid: bool (K,); invalid boxes are not kept and suppress no other box.
      threshold: a box is suppressed if its IoU with a kept box is above this.
      size: number of kept boxes at which the loop stops; static.

    Returns:
      Indices int32 (size,) of the kept boxes, by descending score, and bool (size,), False on the
      padding at the end. No gradient flows through the selection.
    """
    # The selection has no gradient; stopping it here keeps JAX from tracing it through the loops.
    boxes, scores = lax.stop_gradient((boxes, scores))
    order = jnp.argsort(jnp.where(valid, -scores, jnp.inf), stable=True).astype(jnp.int32)
    count = boxes.shape[0]
    length = min(TILE, count)
    tiles = -(-count // length)
    order = jnp.pad(order, (0, tiles * length - count))
    waiting = valid[order] & (jnp.arange(tiles * length) < count)

    def unfinished(state: tuple) -> Array:
        tile, kept_count, _, _ = state
        return (tile < tiles) & (kept_count < size)

    def visit(state: tuple) -> tuple:
        tile, kept_count, kept, indices = state
        tile_indices = lax.dynamic_slice_in_dim(order, tile * length, length)
        candidates = boxes[tile_indices]
        # Unfilled rows of `kept` are boxes without area, whose IoU with any box is 0.
        suppressed = (intersection_over_union(candidates, kept) > threshold).any(1)
        alive = lax.dynamic_slice_in_dim(waiting, tile * length, length) & ~suppressed
        alive = _suppress_within_tile(candidates, alive, threshold)
        slot = jnp.where(alive, kept_count + jnp.cumsum(alive) - 1, size)
        kept = kept.at[slot].set(candidates, mode='drop')
        indices = indices.at[slot].set(tile_indices, mode='drop')
        return tile + 1, kept_count + alive.sum(), kept, indices

    start = (0, 0, jnp.zeros((size, 4), boxes.dtype), jnp.zeros(size, jnp.int32))
    _, kept_count, _, indices = lax.while_loop(unfinished, visit, start)
    return indices, jnp.arange(size) < kept_count


def _suppress_within_tile(boxes: Array, alive: Array, threshold: float) -> Array:
    """Applies greedy suppression within a sorted tile (T, 4); returns bool (T,), the kept boxes.

    This is a fixed-point iteration: each round recomputes for every box whether a box that the
    previous round kept suppresses it. After n rounds at least the first n + 1 boxes are as in the
    greedy loop, whose result is the only fixed point.
    """
    overlaps = intersection_over_union(boxes, boxes) > threshold
    # (suppressed, suppressor): only an earlier box can suppress a box. Counting suppressors by a
    # product is faster than asking whether there is any.
    suppressed_by = (overlaps & jnp.tri(len(boxes), k=-1, dtype=bool)).astype(jnp.float32)

    def iterate(state: tuple[Array, Array]) -> tuple[Array, Array]:
        _, kept = state
        previous = kept
        for _ in range(ROUNDS):
            previous, kept = kept, alive & (suppressed_by @ kept.astype(jnp.float32) == 0)
        return previous, kept

    start = (jnp.zeros_like(alive), alive)
    return lax.while_loop(lambda state: (state[0] != state[1]).any(), iterate, start)[1]
