"""Ways to put the tasks' cotangents at the branch point together (docs/interference.md).

The paper adds them up as they come. The other ways compare tasks first, so they keep the cotangents
of a micro-batch apart: each labelled task's in a slot of its own, and in the last slot the sum of
all that are left. Memory grows with the slots, not with the tasks. What is compared are inner
products alone: each way is a function from their matrix to one weight a slot.

The weights act on the trunk. Heads learn from their own losses, as without them.

Shape letter: K slots. An empty slot is zero, and so is its row of the matrix.
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ubernet_jax.config import Balancing, Config
from ubernet_jax.models.pyramid import Features
from ubernet_jax.models.trunks import TRUNKS

# Of 2 to 7 random gradients, the worst served then gets what it can, but for 1 % of the product of
# the gradients' length and their mean's.
CAGRAD_STEPS = 100
CAGRAD_RATE = 5.0  # of the descent, at most
CAGRAD_CURVATURE = 2.0  # lowers the rate where the slope changes fast
CAGRAD_SMOOTHING = 0.01  # of the length of g_w, in units of the gradients' length


class Combination(NamedTuple):
    """How the cotangents of a micro-batch become one.

    Attributes:
      init: features -> what is accumulated, before the first task.
      add: (what is accumulated, cotangent of one labelled task) -> what is accumulated.
      finish: (what is accumulated, key) -> the trunk's cotangent, like the features but float32.
    """

    init: Callable[[Features], Any]
    add: Callable[[Any, Features], Any]
    finish: Callable[[Any, jax.Array], Features]


def make_combination(config: Config) -> Combination:
    """The combination that a configuration asks for."""
    settings = config.optim.balancing
    match settings.method:
        case Balancing.NONE:
            return plain_sum()
        case Balancing.EQUAL_NORMS:
            weigh = equal_norms
        case Balancing.PCGRAD:
            weigh = pcgrad
        case Balancing.CAGRAD:

            def weigh(gram: jax.Array, key: jax.Array) -> jax.Array:
                return cagrad(gram, key, settings.radius)

    blocks = TRUNKS[config.model.trunk].blocks[: config.model.frozen_blocks]
    frozen = {name for block in blocks for name in block}
    return weighted_sum(weigh, min(settings.tasks, len(config.tasks)), frozen)


def plain_sum() -> Combination:
    """The sum, in float32 whatever the precision of the features."""

    def init(features: Features) -> Features:
        return jax.tree.map(lambda x: jnp.zeros(x.shape, jnp.float32), features)

    def add(total: Features, cotangent: Features) -> Features:
        return jax.tree.map(jnp.add, total, cotangent)

    return Combination(init, add, lambda total, key: total)


class Slots(NamedTuple):
    """Cotangents that are kept apart.

    Attributes:
      sums: like the features, float32, with K in front.
      tasks: int32, how many have been added.
    """

    sums: Features
    tasks: jax.Array


def weighted_sum(
    weigh: Callable[[jax.Array, jax.Array], jax.Array],
    slots: int,
    frozen: Collection[str] = (),
) -> Combination:
    """A sum of cotangents with weights that depend on their inner products.

    Args:
      weigh: Gram matrix (K, K) and a key -> weights (K,).
      slots: K.
      frozen: features that nothing is learnt through; they do not count in the inner products.
    """

    def init(features: Features) -> Slots:
        zeros = jax.tree.map(lambda x: jnp.zeros((slots, *x.shape), jnp.float32), features)
        return Slots(zeros, jnp.zeros((), jnp.int32))

    def add(kept: Slots, cotangent: Features) -> Slots:
        slot = jnp.minimum(kept.tasks, slots - 1)

        def add_leaf(sums: jax.Array, own: jax.Array) -> jax.Array:
            return jax.lax.dynamic_update_index_in_dim(sums, sums[slot] + own, slot, 0)

        return Slots(jax.tree.map(add_leaf, kept.sums, cotangent), kept.tasks + 1)

    def finish(kept: Slots, key: jax.Array) -> Features:
        weights = weigh(gram_matrix(kept.sums, frozen), key)
        return jax.tree.map(
            lambda x: jnp.tensordot(weights, x, 1, precision=jax.lax.Precision.HIGHEST), kept.sums
        )

    return Combination(init, add, finish)


def gram_matrix(trees: Any, frozen: Collection[str]) -> jax.Array:
    """Inner products (K, K) of K trees that are stacked along the first axis of every leaf.

    Leaves with a key of `frozen` on their path are left out.
    """
    products = [
        jnp.einsum('i...,j...->ij', x, x, precision=jax.lax.Precision.HIGHEST)
        for path, x in jax.tree_util.tree_leaves_with_path(trees)
        if not {jax.tree_util.keystr((entry,), simple=True) for entry in path} & set(frozen)
    ]
    return sum(products)


def equal_norms(gram: jax.Array, key: jax.Array) -> jax.Array:
    """Weights that give all gradients one norm; their sum is the number of gradients.

    It is where GradNorm (arXiv 1711.02257) with alpha = 0 comes to rest. GradNorm moves there over
    many steps, with weights that are learnt; here every micro-batch is balanced by itself.

    Args:
      gram: (K, K), inner products of the gradients.
      key: unused.
    """
    del key
    norms = jnp.sqrt(jnp.diagonal(gram))
    inverse = jnp.where(norms > 0, 1 / norms, 0)
    return (norms > 0).sum() * inverse / jnp.maximum(inverse.sum(), jnp.finfo(gram.dtype).tiny)


def pcgrad(gram: jax.Array, key: jax.Array) -> jax.Array:
    """Weights of PCGrad (Yu et al., arXiv 2001.06782, algorithm 1).

    From each gradient, the part that points against another one is taken away, for one other
    gradient after another in random order; the results are added up.

    Args:
      gram: (K, K), inner products of the gradients.
      key: of the orders, one for each gradient.
    """
    slots = len(gram)

    def project(own: jax.Array, key: jax.Array) -> jax.Array:
        def against(weights: jax.Array, other: jax.Array) -> tuple[jax.Array, None]:
            product = weights @ gram[other]
            conflicting = (product < 0) & (other != own)
            change = jnp.where(conflicting, -product / gram[other, other], 0)
            return weights.at[other].add(change), None

        order = jax.random.permutation(key, slots)
        weights, _ = jax.lax.scan(against, jax.nn.one_hot(own, slots), order)
        return weights

    return jax.vmap(project)(jnp.arange(slots), jax.random.split(key, slots)).sum(0)


def cagrad(gram: jax.Array, key: jax.Array, radius: float) -> jax.Array:
    """Weights of CAGrad (Liu et al., arXiv 2110.14048, algorithm 1).

    Within a ball around the mean gradient g, of `radius` times its length, the direction is taken
    that serves the worst served task best. With w minimising F(w) = g_w . g + radius |g| |g_w| over
    convex combinations g_w of the gradients, it is g + radius |g| g_w / |g_w|. Times the number of
    gradients over 1 + radius, so that a gradient alone, or several equal ones, keep their sum.

    Args:
      gram: (K, K), inner products of the gradients.
      key: unused.
      radius: c of the paper, 0 <= c < 1; 0 is the plain sum.
    """
    del key
    tiny = jnp.finfo(gram.dtype).tiny
    used = jnp.diagonal(gram) > 0
    count = jnp.maximum(used.sum(), 1)
    mean = used / count
    # Lengths in units of the gradients' root mean square length.
    gram = gram / jnp.maximum(jnp.trace(gram) / count, tiny)
    reach = radius * jnp.sqrt(mean @ gram @ mean)

    def length(weights: jax.Array) -> jax.Array:
        """Of g_w, rounded off where it is 0: gradients may surround the origin."""
        return jnp.sqrt(weights @ gram @ weights + CAGRAD_SMOOTHING**2)

    def descend(_: int, weights: jax.Array) -> jax.Array:
        """Exponentiated gradient: stays a convex combination, and leaves empty slots at 0."""
        own = length(weights)
        slope = gram @ mean + reach * (gram @ weights) / own
        # The slope turns the faster the shorter g_w is.
        rate = jnp.minimum(CAGRAD_RATE, CAGRAD_CURVATURE * own / jnp.maximum(reach, tiny))
        weights = weights * jnp.exp(-rate * slope)
        return weights / jnp.maximum(weights.sum(), tiny)

    weights = jax.lax.fori_loop(0, CAGRAD_STEPS, descend, mean)
    return count * (mean + reach * weights / length(weights)) / (1 + radius)
