"""Packed micro-batches: no value changes, and nothing is transferred twice."""

import jax
import numpy as np
import pytest

from benchmarks.workload import count_tasks, make_batch, make_config
from ubernet_jax.batch import Batch
from ubernet_jax.training.collation import collate
from ubernet_jax.training.packing import PackedMap, pack, unpack


def make_map_batch(*maps: np.ndarray) -> Batch:
    """A batch with tasks `a`, `b`, ... whose targets are these maps (N, H, W)."""
    batch = collate([None] * len(maps[0]), (33, 33), {})
    return batch.replace(targets=dict(zip('abcde', maps, strict=False)))


@pytest.mark.parametrize('width', [1, 3, 4, 9])
@pytest.mark.parametrize(('values', 'bits'), [(1, 2), (4, 2), (5, 4), (16, 4), (17, 8), (256, 8)])
def test_a_map_takes_as_few_bits_as_its_values_need(values, bits, width):
    rng = np.random.default_rng(0)
    different = rng.permutation(256)[:values].astype(np.uint8)
    height = -(-values // (2 * width))
    target = np.resize(different, (2, height, width))
    packed = pack(make_map_batch(target))
    (packed_map,) = packed.targets.values()
    if bits == 8:
        np.testing.assert_array_equal(packed_map, target)
    else:
        assert isinstance(packed_map, PackedMap) and len(packed_map.values) == 2**bits
        assert packed_map.indices.nbytes == 2 * height * -(-width * bits // 8)
    restored = unpack(jax.device_put(packed))
    np.testing.assert_array_equal(restored.targets['a'], target)


def test_tasks_with_equal_targets_share_them():
    first, second = (np.full((1, 2, 3), value, np.uint8) for value in (1, 2))
    packed = pack(make_map_batch(first, second, first.copy(), second[:, :, :2], first))
    assert list(packed.targets) == [('b',), ('d',), ('a', 'c', 'e')]
    targets = unpack(jax.device_put(packed)).targets
    assert targets['a'] is targets['c'] is targets['e']
    np.testing.assert_array_equal(targets['d'], second[:, :, :2])


def test_the_batch_of_all_kinds_of_tasks_is_restored():
    tasks = make_config(count_tasks(9)).tasks
    batch = make_batch(tasks, (33, 65), list(tasks), images=2)
    restored = unpack(jax.device_put(pack(batch)))
    jax.tree.map(np.testing.assert_array_equal, restored, batch)


def test_the_bytes_of_an_image_do_not_grow_with_copies_of_tasks():
    def count_bytes(number: int) -> int:
        tasks = make_config(count_tasks(number)).tasks
        batch = make_batch(tasks, (641, 865), list(tasks))
        return sum(leaf.nbytes for leaf in jax.tree.leaves(pack(batch)))

    seven, sixteen = count_bytes(7), count_bytes(16)
    assert seven <= 4_000_000
    assert sixteen - seven == (16 - 7) * 2  # whether the image is labelled, and whether taught
