"""Samples have the expected composition, no duplicates, and equal probabilities of boxes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ubernet_jax.ops.anchors import Assignment
from ubernet_jax.ops.sampling import sample


def assignments(positives: int, negatives: int, ignored: int) -> jax.Array:
    counts = {'POSITIVE': positives, 'NEGATIVE': negatives, 'IGNORE': ignored}
    labels = [Assignment[name] for name, count in counts.items() for _ in range(count)]
    return jnp.array(np.random.default_rng(0).permutation(np.array(labels, np.int32)))


@pytest.fixture(scope='module')
def draw():
    """Draws samples of 8 boxes, at most 2 of them positive, for many random keys at once."""
    sample_8 = functools.partial(sample, size=8, positive_share=0.25)
    return jax.jit(jax.vmap(sample_8, (0, None)))


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
def test_numbers_of_positive_and_negative_boxes(draw, available, drawn):
    assignment = assignments(*available)
    indices, valid = draw(jax.random.split(jax.random.key(0), 20), assignment)
    assert indices.dtype == jnp.int32 and valid.dtype == bool
    assert ((indices >= 0) & (indices < 40)).all()
    padding = 9
    labels = np.where(valid, np.array(assignment)[indices], padding)
    positives, negatives = drawn
    expected = [Assignment.POSITIVE] * positives + [Assignment.NEGATIVE] * negatives
    np.testing.assert_array_equal(labels, [(expected + [padding] * 8)[:8]] * 20)
    for sample_indices, sample_valid in zip(np.array(indices), np.array(valid), strict=True):
        assert len(set(sample_indices[sample_valid])) == sum(drawn)


def test_boxes_of_the_same_assignment_are_drawn_equally_often(draw):
    assignment = assignments(10, 20, 10)
    draws = 4000
    indices, _ = draw(jax.random.split(jax.random.key(1), draws), assignment)
    frequency = np.bincount(np.array(indices).ravel(), minlength=40) / draws
    for name, share in [('POSITIVE', 2 / 10), ('NEGATIVE', 6 / 20), ('IGNORE', 0)]:
        std = np.sqrt(share * (1 - share) / draws)
        frequencies = frequency[np.array(assignment) == Assignment[name]]
        np.testing.assert_allclose(frequencies, share, atol=4.5 * std)


def test_fewer_boxes_than_the_sample_size():
    assignment = jnp.array([Assignment.NEGATIVE, Assignment.POSITIVE, Assignment.IGNORE])
    jitted = jax.jit(sample, static_argnums=(2, 3))
    indices, valid = jitted(jax.random.key(2), assignment, 5, 0.5)
    np.testing.assert_array_equal(indices[:2], [1, 0])
    np.testing.assert_array_equal(valid, [True, True, False, False, False])
