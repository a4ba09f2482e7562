"""Micro-batches on the way to a device: maps of few values in few bits, equal targets once.

Readers pack micro-batches, and the device unpacks them. No value changes.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from ubernet_jax.batch import Batch
from ubernet_jax.labels.maps import histogram

_BITS = 2, 4  # for at most 4 and 16 different values


class PackedMap(struct.PyTreeNode):
    """A map uint8 (N, H, W) of few different values.

    Attributes:
      values: uint8 (4,) or (16,), the different values.
      indices: uint8 (N, H, w), indices of 2 or 4 bits into these, as many as fit into a byte; the
        leftmost pixel has the lowest bits.
      width: W.
    """

    values: Any
    indices: Any
    width: int = struct.field(pytree_node=False)


def pack(batch: Batch[np.ndarray]) -> Batch[np.ndarray]:
    """Returns the micro-batch with packed targets: names of tasks -> the target of all of them."""
    groups: dict[tuple[str, ...], Any] = {}
    for name, target in batch.targets.items():
        names = next((names for names, other in groups.items() if _equal(target, other)), ())
        groups.pop(names, None)
        groups[*names, name] = target
    return batch.replace(
        targets={names: jax.tree.map(_pack_map, target) for names, target in groups.items()}
    )


def unpack(batch: Batch[jax.Array]) -> Batch[jax.Array]:
    """Restores a packed micro-batch on its device; tasks with equal targets share the arrays.

    Maps are unpacked one by one, because a single program would be compiled for every combination
    of their bits.
    """
    targets = {}
    for names, target in batch.targets.items():
        restored = jax.tree.map(
            lambda leaf: _unpack_map(leaf) if isinstance(leaf, PackedMap) else leaf,
            target,
            is_leaf=lambda leaf: isinstance(leaf, PackedMap),
        )
        targets |= dict.fromkeys(names, restored)
    return batch.replace(targets=targets)


def _equal(first: Any, second: Any) -> bool:
    (first_arrays, first_structure), (second_arrays, second_structure) = map(
        jax.tree.flatten, (first, second)
    )
    return first_structure == second_structure and all(
        a.dtype == b.dtype and np.array_equal(a, b)
        for a, b in zip(first_arrays, second_arrays, strict=True)
    )


def _pack_map(array: np.ndarray) -> np.ndarray | PackedMap:
    """Packs uint8 (N, H, W) if it has few different values; returns other arrays as they are."""
    if array.dtype != np.uint8 or array.ndim != 3:
        return array
    images, height, width = array.shape
    present = np.flatnonzero(histogram(array.reshape(-1, width)))
    bits = next((bits for bits in _BITS if len(present) <= 2**bits), 0)
    if not bits:
        return array
    values, index = np.zeros(2**bits, np.uint8), np.zeros(256, np.uint8)
    values[: len(present)], index[present] = present, np.arange(len(present))
    together = 8 // bits
    padded = np.pad(array, ((0, 0), (0, 0), (0, -width % together)), mode='edge')
    # Fast for bytes: a translation, and shifts of all bytes of a word at once.
    words = np.frombuffer(padded.tobytes().translate(index.tobytes()), f'<u{together}')
    shifted = (words >> (8 - bits) * position for position in range(together))
    indices = functools.reduce(np.bitwise_or, shifted).astype(np.uint8)  # the lowest byte
    return PackedMap(values=values, indices=indices.reshape(images, height, -1), width=width)


@jax.jit
def _unpack_map(packed: PackedMap) -> jax.Array:
    count = len(packed.values)
    bits = count.bit_length() - 1
    shifts = jnp.arange(0, 8, bits, dtype=jnp.uint8).reshape(1, 1, 1, -1)
    indices = packed.indices[..., None] >> shifts & jnp.uint8(count - 1)
    rows = packed.values[indices].reshape(*packed.indices.shape[:2], -1)
    return rows[:, :, : packed.width]
