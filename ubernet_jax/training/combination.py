"""How the cotangents of the tasks become one cotangent at the branch point (docs/balancing.md).

The paper adds them up as they come. The other methods compare the tasks first, so they keep the
cotangents of a micro-batch separate, each labelled task in its slot; the last slot holds the sum of
all tasks that are left. Memory grows with the number of slots, not of tasks. Only inner products
are compared: a method maps their matrix to one weight for each slot (`balancing`).

The weights act on the trunk; heads learn from their unweighted losses.

Shape letter: K slots. An empty slot is zero, and so is its row of the matrix.
"""

import functools
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ubernet_jax.config import Balancing, BalancingConfig, ModelConfig
from ubernet_jax.models.pyramid import Features
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.training.balancing import aligned_mtl, cagrad, equal_norms, imtl_g, pcgrad
from ubernet_jax.training.dual_cone import mgda, upgrad
from ubernet_jax.training.fairness import fairgrad, nash_mtl

Weigh = Callable[[jax.Array, jax.Array], jax.Array]  # Gram matrix (K, K) and a key -> weights (K,)


class Combination(NamedTuple):
    """Three functions that combine the cotangents of a micro-batch.

    Attributes:
      init: features -> accumulator, before the first task.
      add: (accumulator, cotangent of a labelled task) -> accumulator.
      finish: (accumulator, key) -> cotangent of the trunk, shaped like the features, float32.
    """

    init: Callable[[Features], Any]
    add: Callable[[Any, Features], Any]
    finish: Callable[[Any, jax.Array], Features]


def make_combination(balancing: BalancingConfig, model: ModelConfig, tasks: int) -> Combination:
    """The combination that a configuration asks for.

    Args:
      balancing: the method and its settings.
      model: the trunk, and how many of its blocks are frozen.
      tasks: number of tasks of the network.
    """
    if balancing.method is Balancing.NONE:
        return plain_sum()
    frozen = TRUNKS[model.trunk].frozen(model.frozen_blocks)
    return weighted_sum(find_weights(balancing), min(balancing.tasks, tasks), frozen)


def find_weights(balancing: BalancingConfig) -> Weigh:
    """The function that computes the weights; `balancing.method` must not be NONE."""
    if balancing.method is Balancing.PCGRAD:  # the only method that draws random numbers
        return pcgrad
    weigh = {
        Balancing.EQUAL_NORMS: equal_norms,
        Balancing.CAGRAD: functools.partial(cagrad, radius=balancing.radius),
        Balancing.MGDA: mgda,
        Balancing.IMTL_G: imtl_g,
        Balancing.NASH_MTL: nash_mtl,
        Balancing.ALIGNED_MTL: aligned_mtl,
        Balancing.FAIRGRAD: functools.partial(fairgrad, alpha=balancing.alpha),
        Balancing.UPGRAD: upgrad,
    }[balancing.method]
    return lambda gram, key: weigh(gram)


def plain_sum() -> Combination:
    """The sum, in float32 whatever the precision of the features."""

    def init(features: Features) -> Features:
        return jax.tree.map(lambda x: jnp.zeros(x.shape, jnp.float32), features)

    def add(total: Features, cotangent: Features) -> Features:
        return jax.tree.map(jnp.add, total, cotangent)

    return Combination(init, add, lambda total, key: total)


class Slots(NamedTuple):
    """Cotangents that are kept separate.

    Attributes:
      sums: like the features, float32, with K in front.
      tasks: int32, how many have been added.
    """

    sums: Features
    tasks: jax.Array


def weighted_sum(
    weigh: Weigh,
    slots: int,
    frozen: Collection[str] = (),
) -> Combination:
    """A sum of cotangents with weights that depend on their inner products.

    Args:
      weigh: computes the weights.
      slots: K.
      frozen: features that pass no gradient on; the inner products leave them out.
    """

    def init(features: Features) -> Slots:
        zeros = jax.tree.map(lambda x: jnp.zeros((slots, *x.shape), jnp.float32), features)
        return Slots(zeros, jnp.zeros((), jnp.int32))

    def add(kept: Slots, cotangent: Features) -> Slots:
        slot = jnp.minimum(kept.tasks, slots - 1)

        def add_leaf(sums: jax.Array, term: jax.Array) -> jax.Array:
            return jax.lax.dynamic_update_index_in_dim(sums, sums[slot] + term, slot, 0)

        return Slots(jax.tree.map(add_leaf, kept.sums, cotangent), kept.tasks + 1)

    def finish(kept: Slots, key: jax.Array) -> Features:
        weights = weigh(gram_matrix(kept.sums, frozen), key)
        return jax.tree.map(
            lambda x: jnp.tensordot(weights, x, 1, precision=jax.lax.Precision.HIGHEST), kept.sums
        )

    return Combination(init, add, finish)


def gram_matrix(trees: Any, frozen: Collection[str]) -> jax.Array:
    """Inner products (K, K) of K trees that are stacked along the first axis of every leaf.

    Leaves whose path has a key of `frozen` are left out.
    """
    products = [
        jnp.einsum('i...,j...->ij', x, x, precision=jax.lax.Precision.HIGHEST)
        for path, x in jax.tree_util.tree_leaves_with_path(trees)
        if not {jax.tree_util.keystr((entry,), simple=True) for entry in path} & set(frozen)
    ]
    return functools.reduce(jnp.add, products)
