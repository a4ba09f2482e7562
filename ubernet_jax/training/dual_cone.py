"""MGDA and UPGrad: methods whose direction conflicts with no gradient.

Both are quadratic programs over weights of at least 0, solved by an interior-point method.

Shape letter: K slots, see `combination`.
"""

import jax
import jax.numpy as jnp

from ubernet_jax.training.balancing import cosine_matrix, sum_to_count

STEPS = 30  # of the interior-point method
CENTERING = 0.1  # factor on the complementarity gap in each step
BOUNDARY = 0.99  # part of the way to the boundary that a step may go
RIDGE = 10  # added to the diagonal, in units of the rounding error


def mgda(gram: jax.Array) -> jax.Array:
    """Weights of MGDA (Desideri, Comptes Rendus 2012; Sener and Koltun, arXiv 1810.04650).

    The direction is the shortest convex combination of the gradients. Every gradient has at least
    the inner product with it that the direction has with itself. The weights add up to the number
    of gradients.

    Args:
      gram: (K, K), inner products of the gradients.
    """
    norms, cosines = cosine_matrix(gram)
    used = norms > 0
    # In units of the shortest gradient, so that the slopes are at most 1, as the solver expects.
    shortest = jnp.where(used, norms, jnp.inf).min()
    lengths = jnp.where(used, norms / shortest, 1)
    # Up to a factor, the weights minimise |combination|^2 / 2 - (sum of the weights).
    weights = nonnegative_minimum(cosines, jnp.where(used, -1 / lengths, 1)) / lengths
    return sum_to_count(weights, used)


def upgrad(gram: jax.Array) -> jax.Array:
    """Weights of UPGrad (Quinton and Rey, arXiv 2406.16232, section 3).

    Each gradient is projected onto the cone of the directions that conflict with no gradient; the
    projections are added up.

    Args:
      gram: (K, K), inner products of the gradients.
    """
    norms, cosines = cosine_matrix(gram)
    used = norms > 0
    added = jax.vmap(nonnegative_minimum, (None, 0))(cosines, cosines)
    projections = norms @ (jnp.eye(len(gram)) + added)
    return jnp.where(used, projections / jnp.where(used, norms, 1), 0)


def nonnegative_minimum(cosines: jax.Array, slope: jax.Array) -> jax.Array:
    """The u (K,) of at least 0 that minimises u . cosines u / 2 + slope . u.

    A primal-dual interior-point method (Nocedal and Wright, Numerical Optimization, chapter 16)
    finds out which weights are 0; then one linear system gives the others exactly, unless the
    gradients depend on each other so closely that its rounding errors are larger.

    Args:
      cosines: (K, K), positive semidefinite, diagonal 1, or 0 for an empty slot, whose slope must
        be at least 0.
      slope: (K,).
    """
    size, precision = len(slope), jnp.finfo(slope.dtype)
    empty = jnp.diagonal(cosines) == 0
    matrix = cosines + jnp.diag(jnp.where(empty, 1, RIDGE * precision.eps))

    def step(_: int, state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        u, dual = state  # the dual is the gradient where u is 0, and 0 elsewhere
        residual = matrix @ u + slope - dual
        target = CENTERING * (u @ dual) / size
        push = target / u - dual
        change = jnp.linalg.solve(matrix + jnp.diag(dual / u), push - residual)
        dual_change = push - dual / u * change
        return _stay_positive(u, change), _stay_positive(dual, dual_change)

    ones = jnp.ones_like(slope)
    u, dual = jax.lax.fori_loop(0, STEPS, step, (ones, ones))
    free = u > dual
    system = jnp.where(jnp.outer(free, free), matrix, jnp.eye(size))
    solved = jnp.maximum(jnp.where(free, jnp.linalg.solve(system, -slope), 0), 0)

    def violation(u: jax.Array) -> jax.Array:
        """At the minimum, every element or its gradient is 0, and the other is at least 0."""
        return jnp.abs(jnp.minimum(u, matrix @ u + slope)).max()

    u = jnp.where(free, u, 0)
    return jnp.where(violation(solved) <= violation(u), solved, u)


def _stay_positive(values: jax.Array, change: jax.Array) -> jax.Array:
    """Adds the change (K,), shortened so that all values stay above 0."""
    tiny = jnp.finfo(values.dtype).tiny
    reach = jnp.where(change < 0, -values / jnp.where(change < 0, change, -1), jnp.inf).min()
    return jnp.maximum(values + jnp.minimum(1, BOUNDARY * reach) * change, tiny)
