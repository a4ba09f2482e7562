"""Overlaps by counting pixels, deltas by hand and back again, boxes without area."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from ubernet_jax.ops import boxes as ops

clip, intersection_over_union = jax.jit(ops.clip), jax.jit(ops.intersection_over_union)
encode, decode = (jax.jit(f, static_argnames='std') for f in (ops.encode, ops.decode))

STD = (0.1, 0.1, 0.2, 0.2)
WITHOUT_AREA = jnp.array([[2.0, 2, 2, 5], [4, 4, 1, 1], [0, 6, 6, 6], [9, 1, 3, 8], [0, 0, 0, 0]])


def random_boxes(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Boxes float32 (*shape, 4) with sides of 4 to 64 pixels."""
    corner = rng.uniform(-20, 80, (*shape, 2))
    opposite = corner + rng.uniform(4, 64, (*shape, 2))
    return np.concatenate([corner, opposite], -1).astype(np.float32)


def test_literal_overlaps():
    box = jnp.array([[0.0, 0, 4, 4]])
    others = jnp.array([[0.0, 0, 4, 4], [2, 0, 6, 4], [1, 1, 3, 3], [4, 0, 8, 4], [3, 3, 5, 5]])
    overlaps = intersection_over_union(box, others)
    np.testing.assert_allclose(overlaps, [[1, 1 / 3, 1 / 4, 0, 1 / 19]], rtol=1e-6)


def test_overlap_is_the_share_of_common_pixels():
    rng = np.random.default_rng(0)
    corners = np.sort(rng.integers(0, 9, (2, 30, 2, 2)), 2)  # which boxes, x or y, from and to
    masks = np.zeros((2, 30, 8, 8), bool)
    for side in range(2):
        for i in range(30):
            (x1, y1), (x2, y2) = corners[side, i]
            masks[side, i, y1:y2, x1:x2] = True
    both = (masks[0][:, None] & masks[1]).sum((2, 3))
    either = (masks[0][:, None] | masks[1]).sum((2, 3))
    boxes = corners.reshape(2, 30, 4).astype(np.float32)
    overlaps = intersection_over_union(*jnp.array(boxes))
    np.testing.assert_allclose(overlaps, both / np.maximum(either, 1), rtol=1e-6)


def test_boxes_without_area_overlap_with_nothing():
    boxes = jnp.concatenate([WITHOUT_AREA, jnp.array([[0.0, 0, 9, 9]])])
    overlaps, gradients = jax.jit(lambda *both: jax.vjp(ops.intersection_over_union, *both))(
        boxes, boxes
    )
    wanted = np.zeros((6, 6))
    wanted[5, 5] = 1
    np.testing.assert_array_equal(overlaps, wanted)
    assert np.isfinite(gradients(jnp.ones((6, 6)))).all()


def test_literal_deltas():
    reference, box = jnp.array([0.0, 0, 10, 20]), jnp.array([5.0, 5, 25, 25])
    np.testing.assert_allclose(
        encode(box, reference, STD), [10, 2.5, np.log(2) / 0.2, 0], rtol=1e-6, atol=1e-6
    )
    np.testing.assert_allclose(
        decode(jnp.array([1, 0.25, np.log(2), 0]), reference, (1, 1, 1, 1)), box, rtol=1e-6
    )


@pytest.mark.parametrize('std', [STD, (1, 1, 1, 1)])
def test_decoding_undoes_encoding(std):
    rng = np.random.default_rng(1)
    boxes, references = (jnp.array(random_boxes(rng, 50, 3)) for _ in range(2))
    deltas = encode(boxes, references, std)
    np.testing.assert_allclose(decode(deltas, references, std), boxes, atol=1e-3)
    one_reference = references[:, :1]  # one proposal for the deltas of several classes
    deltas = encode(boxes, one_reference, std)
    np.testing.assert_allclose(decode(deltas, one_reference, std), boxes, atol=1e-3)
    np.testing.assert_allclose(
        encode(decode(deltas, one_reference, std), one_reference, std), deltas, atol=1e-3
    )


def test_everything_stays_finite():
    reference = jnp.array([0.0, 0, 16, 32])
    box = decode(jnp.array([0, 0, 1e9, 1e9]), reference, STD)
    np.testing.assert_allclose(box, [8 - 500, 16 - 1000, 8 + 500, 16 + 1000], rtol=1e-5)
    box = decode(jnp.array([0, 0, -1e9, -1e9]), reference, STD)
    np.testing.assert_array_equal(box, [8, 16, 8, 16])
    for boxes, references in [(WITHOUT_AREA, reference[None]), (reference[None], WITHOUT_AREA)]:
        assert jnp.isfinite(encode(boxes, references, STD)).all()
    assert jnp.isfinite(decode(jnp.ones((5, 4)), WITHOUT_AREA, STD)).all()


def test_gradients_of_the_deltas():
    rng = np.random.default_rng(2)
    boxes, references = (jnp.array(random_boxes(rng, 2)) for _ in range(2))
    deltas = jnp.array(rng.normal(size=(2, 4)), jnp.float32)
    check_grads(lambda boxes: encode(boxes, references, STD), (boxes,), 1, ('rev',), 0.02, 0.02)
    check_grads(lambda deltas: decode(deltas, references, STD), (deltas,), 1, ('rev',), 0.02, 0.02)


def test_clipping_to_an_image_of_traced_size():
    boxes = jnp.array([[-5.0, -6, 30, 40], [1, 2, 3, 4], [25, -9, 28, -3]])
    clipped = clip(boxes, 10, 20)
    np.testing.assert_array_equal(clipped, [[0, 0, 20, 10], [1, 2, 3, 4], [20, 0, 20, 0]])
