"""Tiled suppression is the greedy loop: literal chains, thousands of random cases, real sizes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ubernet_jax.ops import suppression
from ubernet_jax.ops.suppression import suppress


def overlaps(boxes: np.ndarray) -> np.ndarray:
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.maximum(high - low, 0).prod(-1)
    area = np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(-1)
    return common / np.maximum(area[:, None] + area[None] - common, np.float32(1e-9))


def greedy_loop(boxes, scores, valid, threshold, size) -> list[int]:
    """The definition: best first, each box against every one kept so far."""
    overlap, kept = overlaps(boxes), []
    for index in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if valid[index] and len(kept) < size and not (overlap[index, kept] > threshold).any():
            kept.append(index)
    return kept


def kept_indices(result) -> list[int]:
    """The kept ones of `suppress`'s result, which must stand in front of the filler."""
    indices, kept = (np.array(array) for array in result)
    assert indices.dtype == np.int32
    assert not kept[kept.sum() :].any()
    return indices[kept].tolist()


def test_what_a_fallen_box_overlaps_with_stays():
    # Each box overlaps with the next: IoU 1/2 exactly.
    boxes = jnp.array([[0.0, 0, 3, 1], [1, 0, 4, 1], [2, 0, 5, 1], [3, 0, 6, 1]])
    scores, valid = jnp.array([0.4, 0.3, 0.2, 0.1]), jnp.ones(4, bool)
    jitted = jax.jit(suppress, static_argnames='size')
    assert kept_indices(jitted(boxes, scores, valid, 0.4, size=6)) == [0, 2]
    assert kept_indices(jitted(boxes, -scores, valid, 0.4, size=6)) == [3, 1]
    assert kept_indices(jitted(boxes, 0 * scores, valid, 0.4, size=6)) == [0, 2]
    assert kept_indices(jitted(boxes, scores, valid, 0.5, size=6)) == [0, 1, 2, 3]
    assert kept_indices(jitted(boxes, scores, valid.at[0].set(False), 0.4, size=6)) == [1, 3]
    assert kept_indices(jitted(boxes, scores, ~valid, 0.4, size=6)) == []


@pytest.mark.parametrize('size', [9, 60])
def test_random_cases_with_ties_equal_the_greedy_loop(monkeypatch, size):
    monkeypatch.setattr(suppression, 'TILE', 16)
    cases, count = 1500, 50
    rng = np.random.default_rng(size)
    # Whole pixels in a small image: equal scores, equal boxes, IoUs on the threshold, no area.
    corner = rng.integers(0, 12, (cases, count, 2))
    sides = rng.integers(-1, 9, (cases, count, 2))
    boxes = np.concatenate([corner, corner + sides], -1).astype(np.float32)
    scores = rng.integers(0, 8, (cases, count)).astype(np.float32)
    valid = rng.random((cases, count)) < rng.choice([0, 0.5, 1], (cases, 1), p=[0.02, 0.49, 0.49])
    threshold = rng.choice(np.array([0, 0.25, 0.5, 0.7], np.float32), cases)
    batched = jax.jit(jax.vmap(functools.partial(suppress, size=size)))
    indices, kept = (np.array(array) for array in batched(boxes, scores, valid, threshold))
    found, wanted = [], []
    for case in range(cases):
        wanted.append(greedy_loop(boxes[case], scores[case], valid[case], threshold[case], size))
        found.append(kept_indices((indices[case], kept[case])))
    assert found == wanted
    assert [] in wanted and (size == 60 or max(map(len, wanted)) == size)


@pytest.fixture(scope='module')
def many() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """3000 proposals crowded around 40 objects."""
    rng = np.random.default_rng(3)
    corner, sides = rng.uniform(0, 500, (40, 2)), rng.uniform(30, 200, (40, 2))
    objects = np.concatenate([corner, corner + sides], 1)
    boxes = objects[rng.integers(0, 40, 3000)] + rng.normal(size=(3000, 4)) * 12
    return boxes.astype(np.float32), rng.normal(size=3000).astype(np.float32), np.ones(3000, bool)


def test_many_tiles_in_little_memory(many):
    compiled = jax.jit(functools.partial(suppress, threshold=0.7, size=300)).lower(*many).compile()
    assert kept_indices(compiled(*many)) == greedy_loop(*many, 0.7, 300)
    assert 0 < compiled.memory_analysis().temp_size_in_bytes < 3000 * 3000 / 4


def test_the_boxes_keep_their_gradient_and_the_choice_has_none():
    boxes = jnp.array([[0.0, 0, 4, 4], [0, 0, 4, 5], [9, 9, 12, 12]])

    @jax.jit
    def kept_sum(boxes, scores):
        indices, kept = suppress(boxes, scores, jnp.ones(3, bool), 0.5, 3)
        return (boxes[indices] * kept[:, None]).sum()

    gradients = jax.grad(kept_sum, (0, 1))(boxes, jnp.array([1.0, 2, 3]))
    np.testing.assert_array_equal(gradients[0], [[0] * 4, [1] * 4, [1] * 4])
    np.testing.assert_array_equal(gradients[1], [0, 0, 0])
