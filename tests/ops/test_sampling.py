"""Samples have the wanted numbers of each kind, no box twice, and every box as often."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ubernet_jax.ops.anchors import Assignment
from ubernet_jax.ops.sampling import sample


def assignments(positives: int, negatives: int, ignored: int) -> jax.Array:
    kinds = [Assignment.POSITIVE] * positives + [Assignment.NEGATIVE] * negatives
    kinds = np.array(kinds + [Assignment.IGNORE] * ignored, np.int32)
    return jnp.array(np.random.default_rng(0).permutation(kinds))


@pytest.fixture(scope='module')
def draw():
    """Samples of 8, at most 2 of them positive, for many keys at once."""
    drawing = functools.partial(sample, size=8, positive_share=0.25)
    return jax.jit(jax.vmap(drawing, (0, None)))


@pytest.mark.parametrize(
    ('available', 'drawn'),
    [
        ((10, 20, 10), (2, 6)),
        ((1, 20, 19), (1, 7)),
        ((0, 40, 0), (0, 8)),
        ((20, 3, 17), (2, 3)),
        ((40, 0, 0), (2, 0)),
        ((0, 0, 40), (0, 0)),
    ],
)
def test_numbers_of_each_kind(draw, available, drawn):
    assignment = assignments(*available)
    indices, chosen = draw(jax.random.split(jax.random.key(0), 20), assignment)
    assert indices.dtype == jnp.int32 and chosen.dtype == bool
    assert ((indices >= 0) & (indices < 40)).all()
    kinds = np.where(chosen, np.array(assignment)[indices], 9)
    positives, negatives = drawn
    wanted = [Assignment.POSITIVE] * positives + [Assignment.NEGATIVE] * negatives
    np.testing.assert_array_equal(kinds, [(wanted + [9] * 8)[:8]] * 20)
    for one, real in zip(np.array(indices), np.array(chosen), strict=True):
        assert len(set(one[real])) == sum(drawn)


def test_every_box_of_a_kind_is_drawn_as_often(draw):
    assignment = assignments(10, 20, 10)
    draws = 4000
    indices, _ = draw(jax.random.split(jax.random.key(1), draws), assignment)
    frequency = np.bincount(np.array(indices).ravel(), minlength=40) / draws
    for kind, share in [('POSITIVE', 2 / 10), ('NEGATIVE', 6 / 20), ('IGNORE', 0)]:
        spread = np.sqrt(share * (1 - share) / draws)
        of_kind = frequency[np.array(assignment) == Assignment[kind]]
        np.testing.assert_allclose(of_kind, share, atol=4.5 * spread)


def test_fewer_boxes_than_asked_for():
    assignment = jnp.array([Assignment.NEGATIVE, Assignment.POSITIVE, Assignment.IGNORE])
    jitted = jax.jit(sample, static_argnums=(2, 3))
    indices, chosen = jitted(jax.random.key(2), assignment, 5, 0.5)
    np.testing.assert_array_equal(indices[:2], [1, 0])
    np.testing.assert_array_equal(chosen, [True, True, False, False, False])
