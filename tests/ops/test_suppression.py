"""Tiled suppression, compared with the greedy loop on literal, random and realistic cases."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ubernet_jax.ops import suppression
from ubernet_jax.ops.suppression import suppress


def ious(boxes: np.ndarray) -> np.ndarray:
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.maximum(high - low, 0).prod(-1)
    area = np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(-1)
    return common / np.maximum(area[:, None] + area[None] - common, np.float32(1e-9))


def greedy_loop(boxes, scores, valid, threshold, size) -> list[int]:
    """The definition: by descending score, each box is compared with every kept box."""
    iou, kept = ious(boxes), []
    for index in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if valid[index] and len(kept) < size and not (iou[index, kept] > threshold).any():
            kept.append(index)
    return kept


def kept_indices(result) -> list[int]:
    """Indices of the kept boxes in the result of `suppress`, which must precede the padding."""
    indices, kept = (np.array(array) for array in result)
    assert indices.dtype == np.int32
    assert not kept[kept.sum() :].any()
    return indices[kept].tolist()


def test_a_suppressed_box_suppresses_no_other():
    # The IoU of each box with the next is exactly 1/2.
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
    # Integers in a small range: ties of scores, equal boxes, IoUs at the threshold, empty boxes.
    corner = rng.integers(0, 12, (cases, count, 2))
    sides = rng.integers(-1, 9, (cases, count, 2))
    boxes = np.concatenate([corner, corner + sides], -1).astype(np.float32)
    scores = rng.integers(0, 8, (cases, count)).astype(np.float32)
    valid = rng.random((cases, count)) < rng.choice([0, 0.5, 1], (cases, 1), p=[0.02, 0.49, 0.49])
    threshold = rng.choice(np.array([0, 0.25, 0.5, 0.7], np.float32), cases)
    batched = jax.jit(jax.vmap(functools.partial(suppress, size=size)))
    indices, kept = (np.array(array) for array in batched(boxes, scores, valid, threshold))
    results, expected = [], []
    for case in range(cases):
        expected.append(greedy_loop(boxes[case], scores[case], valid[case], threshold[case], size))
        results.append(kept_indices((indices[case], kept[case])))
    assert results == expected
    assert [] in expected and (size == 60 or max(map(len, expected)) == size)


@pytest.fixture(scope='module')
def proposals() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """3000 proposals around 40 objects: boxes, scores, valid."""
    rng = np.random.default_rng(3)
    corner, sides = rng.uniform(0, 500, (40, 2)), rng.uniform(30, 200, (40, 2))
    objects = np.concatenate([corner, corner + sides], 1)
    boxes = objects[rng.integers(0, 40, 3000)] + rng.normal(size=(3000, 4)) * 12
    return boxes.astype(np.float32), rng.normal(size=3000).astype(np.float32), np.ones(3000, bool)


def test_memory_does_not_grow_with_the_square_of_the_number_of_boxes(proposals, monkeypatch):
    monkeypatch.setattr(suppression, 'TILE', 256)
    suppress_300 = jax.jit(functools.partial(suppress, threshold=0.7, size=300))
    compiled = suppress_300.lower(*proposals).compile()
    assert kept_indices(compiled(*proposals)) == greedy_loop(*proposals, 0.7, 300)
    assert 0 < compiled.memory_analysis().temp_size_in_bytes < 3000 * 3000 / 4


def test_boxes_have_a_gradient_and_the_selection_has_none():
    boxes = jnp.array([[0.0, 0, 4, 4], [0, 0, 4, 5], [9, 9, 12, 12]])

    @jax.jit
    def kept_sum(boxes, scores):
        indices, kept = suppress(boxes, scores, jnp.ones(3, bool), 0.5, 3)
        return (boxes[indices] * kept[:, None]).sum()

    gradients = jax.grad(kept_sum, (0, 1))(boxes, jnp.array([1.0, 2, 3]))
    np.testing.assert_array_equal(gradients[0], [[0] * 4, [1] * 4, [1] * 4])
    np.testing.assert_array_equal(gradients[1], [0, 0, 0])
