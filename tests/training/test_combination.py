"""Combinations of the cotangents of the tasks at the branch point."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ubernet_jax.config import Balancing, BalancingConfig, ModelConfig
from ubernet_jax.training import balancing, dual_cone, fairness
from ubernet_jax.training.combination import gram_matrix, make_combination

KEY = jax.random.PRNGKey(0)
PCGRAD = BalancingConfig(method=Balancing.PCGRAD)
GRADIENTS = np.array([[1, 0], [-1, 1], [0, 2]])
# The weighted sums of `GRADIENTS` when all three are kept separate.
SEPARATE = {
    Balancing.EQUAL_NORMS: balancing.equal_norms,
    Balancing.CAGRAD: functools.partial(balancing.cagrad, radius=0.4),
    Balancing.MGDA: dual_cone.mgda,
    Balancing.IMTL_G: balancing.imtl_g,
    Balancing.NASH_MTL: fairness.nash_mtl,
    Balancing.ALIGNED_MTL: balancing.aligned_mtl,
    Balancing.FAIRGRAD: functools.partial(fairness.fairgrad, alpha=2.0),
    Balancing.UPGRAD: dual_cone.upgrad,
}


def combine(
    gradients: list[list[float]], config: BalancingConfig, frozen_blocks: int = 0
) -> tuple[float, float]:
    """Combines gradients (K, 2) as trees of two leaves: a skip of the first block, and fc7."""
    combination = make_combination(config, ModelConfig(frozen_blocks=frozen_blocks), tasks=3)
    trees = [
        {'conv1_2': jnp.full((1, 1), x, jnp.bfloat16), 'fc7': jnp.full((1,), y, jnp.bfloat16)}
        for x, y in gradients
    ]
    total = combination.init(trees[0])
    for tree in trees:
        total = combination.add(total, tree)
    combined = jax.jit(combination.finish)(total, KEY)
    chex.assert_trees_all_equal_shapes(combined, trees[0])
    assert {leaf.dtype for leaf in jax.tree.leaves(combined)} == {jnp.dtype('float32')}
    return combined['conv1_2'].item(), combined['fc7'].item()


@pytest.mark.parametrize(
    ('method', 'slots', 'wanted'),
    [
        (Balancing.NONE, 2, (0, 3)),
        (Balancing.PCGRAD, 2, (0.9, 3.3)),  # (-1, 1) and (0, 2) share a slot: (-1, 3)
        (Balancing.PCGRAD, 3, (0.5, 3.5)),
        (Balancing.PCGRAD, 9, (0.5, 3.5)),
    ],
)
def test_the_last_slot_holds_the_sum_of_all_further_tasks(method, slots, wanted):
    combined = combine(GRADIENTS, BalancingConfig(method=method, tasks=slots))
    np.testing.assert_allclose(combined, wanted, rtol=1e-5)


@pytest.mark.parametrize('method', SEPARATE)
def test_the_configured_method_computes_the_weights(method):
    gram = jnp.asarray(GRADIENTS @ GRADIENTS.T, jnp.float32)
    wanted = np.asarray(SEPARATE[method](gram)) @ GRADIENTS
    combined = combine(GRADIENTS, BalancingConfig(method=method, tasks=9))
    np.testing.assert_allclose(combined, wanted, rtol=1e-5)


@pytest.mark.parametrize(('frozen_blocks', 'wanted'), [(0, (0, 1.6)), (1, (0, 1))])
def test_the_features_of_frozen_blocks_cause_no_conflict(frozen_blocks, wanted):
    # The inner product is -0.75, a conflict; without the frozen block it is 0.25.
    combined = combine([[1, 0.5], [-1, 0.5]], PCGRAD, frozen_blocks)
    np.testing.assert_allclose(combined, wanted, atol=1e-6)


def test_the_gram_matrix_sums_over_all_leaves_that_are_not_frozen():
    trees = {'a': jnp.array([[1.0, 2.0], [3.0, 4.0]]), 'b': {'c': jnp.array([1.0, -1.0])}}
    np.testing.assert_allclose(gram_matrix(trees, ()), [[6, 10], [10, 26]])
    np.testing.assert_allclose(gram_matrix(trees, ('b',)), [[5, 11], [11, 25]])
