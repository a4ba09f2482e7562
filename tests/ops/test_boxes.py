"""IoU compared with counted pixels, literal deltas and their inverse, boxes without area."""

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


def test_literal_ious():
    box = jnp.array([[0.0, 0, 4, 4]])
    boxes = jnp.array([[0.0, 0, 4, 4], [2, 0, 6, 4], [1, 1, 3, 3], [4, 0, 8, 4], [3, 3, 5, 5]])
    ious = intersection_over_union(box, boxes)
    np.testing.assert_allclose(ious, [[1, 1 / 3, 1 / 4, 0, 1 / 19]], rtol=1e-6)


def test_iou_is_the_share_of_common_pixels():
    rng = np.random.default_rng(0)
    corners = np.sort(
        rng.integers(0, 9, (2, 30, 2, 2)), 2
    )  # set of boxes, box, x or y, start and end
    masks = np.zeros((2, 30, 8, 8), bool)
    for side in range(2):
        for i in range(30):
            (x1, y1), (x2, y2) = corners[side, i]
            masks[side, i, y1:y2, x1:x2] = True
    intersection = (masks[0][:, None] & masks[1]).sum((2, 3))
    union = (masks[0][:, None] | masks[1]).sum((2, 3))
    boxes = corners.reshape(2, 30, 4).astype(np.float32)
    ious = intersection_over_union(*jnp.array(boxes))
    np.testing.assert_allclose(ious, intersection / np.maximum(union, 1), rtol=1e-6)


def test_the_iou_of_boxes_without_area_is_zero():
    boxes = jnp.concatenate([WITHOUT_AREA, jnp.array([[0.0, 0, 9, 9]])])
    iou_and_vjp = jax.jit(lambda a, b: jax.vjp(ops.intersection_over_union, a, b))
    ious, pull_back = iou_and_vjp(boxes, boxes)
    expected = np.zeros((6, 6))
    expected[5, 5] = 1
    np.testing.assert_array_equal(ious, expected)
    assert np.isfinite(pull_back(jnp.ones((6, 6)))).all()


def test_literal_deltas():
    reference, box = jnp.array([0.0, 0, 10, 20]), jnp.array([5.0, 5, 25, 25])
    np.testing.assert_allclose(
        encode(box, reference, STD), [10, 2.5, np.log(2) / 0.2, 0], rtol=1e-6, atol=1e-6
    )
    np.testing.assert_allclose(
        decode(jnp.array([1, 0.25, np.log(2), 0]), reference, (1, 1, 1, 1)), box, rtol=1e-6
    )


@pytest.mark.parametrize('std', [STD, (1, 1, 1, 1)])
def test_decode_inverts_encode(std):
    rng = np.random.default_rng(1)
    boxes, references = (jnp.array(random_boxes(rng, 50, 3)) for _ in range(2))
    deltas = encode(boxes, references, std)
    np.testing.assert_allclose(decode(deltas, references, std), boxes, atol=1e-3)
    proposals = references[:, :1]  # each with deltas of several classes
    deltas = encode(boxes, proposals, std)
    np.testing.assert_allclose(decode(deltas, proposals, std), boxes, atol=1e-3)
    np.testing.assert_allclose(
        encode(decode(deltas, proposals, std), proposals, std), deltas, atol=1e-3
    )


def test_extreme_deltas_and_boxes_without_area_give_finite_results():
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
