"""Methods that balance tasks: from the inner products of their gradients to weights.

`dual_cone` and `fairness` have more. The weights give the direction of the paper, and several equal
gradients their sum: some papers use other lengths.

Shape letter: K slots, see `combination`. An empty slot has a row of zeros, and does not change the
weights of the others.
"""

import jax
import jax.numpy as jnp

# With 2 to 7 random gradients, these settings bring the worst task within 1 % (of the product of
# the length of the gradients and the length of their mean) of its optimum.
CAGRAD_STEPS = 100
CAGRAD_RATE = 5.0  # largest rate of the descent
CAGRAD_CURVATURE = 2.0  # lowers the rate where the slope changes fast
CAGRAD_SMOOTHING = 0.01  # of |g_w|, in units of the length of the gradients


def equal_norms(gram: jax.Array) -> jax.Array:
    """Weights that give all gradients the same norm; their sum is the number of gradients.

    This is the fixed point of GradNorm (arXiv 1711.02257) with alpha = 0. GradNorm learns the
    weights over many steps; here every micro-batch is balanced independently.

    Args:
      gram: (K, K), inner products of the gradients.
    """
    norms = jnp.sqrt(jnp.diagonal(gram))
    inverse = jnp.where(norms > 0, 1 / norms, 0)
    return (norms > 0).sum() * inverse / jnp.maximum(inverse.sum(), jnp.finfo(gram.dtype).tiny)


def imtl_g(gram: jax.Array) -> jax.Array:
    """Weights of IMTL-G (Liu et al., ICLR 2021, "Towards Impartial Multi-task Learning").

    The combined gradient has the same projection onto every gradient; weights may be negative. They
    add up to the number of gradients, and are 0 if no combination is impartial.

    Args:
      gram: (K, K), inner products of the gradients.
    """
    norms, cosines = cosine_matrix(gram)
    used = norms > 0
    shares = jnp.linalg.pinv(cosines, hermitian=True) @ used.astype(gram.dtype)
    weights = jnp.where(used, shares / jnp.where(used, norms, 1), 0)
    total = weights.sum()
    defined = jnp.abs(total) > len(gram) * jnp.finfo(gram.dtype).eps * jnp.abs(weights).sum()
    return jnp.where(defined, used.sum() * weights / jnp.where(defined, total, 1), 0)


def aligned_mtl(gram: jax.Array) -> jax.Array:
    """Weights of Aligned-MTL (Senushkin et al., CVPR 2023, algorithm 1, equal preferences).

    The gradients are replaced by the nearest orthogonal ones of equal length, which is that of the
    shortest principal component, and added up.

    Args:
      gram: (K, K), inner products of the gradients.
    """
    values, vectors = jnp.linalg.eigh(gram)
    present = values > values[-1] * len(gram) * jnp.finfo(gram.dtype).eps
    shortest = jnp.where(present, values, jnp.inf).min()
    stretch = jnp.where(present, jnp.sqrt(shortest / jnp.where(present, values, 1)), 0)
    used = (jnp.diagonal(gram) > 0).astype(gram.dtype)
    return vectors @ (stretch * (vectors.T @ used))


def pcgrad(gram: jax.Array, key: jax.Array) -> jax.Array:
    """Weights of PCGrad (Yu et al., arXiv 2001.06782, algorithm 1).

    Each gradient is projected onto the normal plane of every gradient that it conflicts with, in
    random order; the projected gradients are added up.

    Args:
      gram: (K, K), inner products of the gradients.
      key: for the random orders.
    """
    slots = len(gram)

    def project(slot: jax.Array, key: jax.Array) -> jax.Array:
        def remove_conflict(weights: jax.Array, other: jax.Array) -> tuple[jax.Array, None]:
            product = weights @ gram[other]
            conflicting = (product < 0) & (other != slot)
            change = jnp.where(conflicting, -product / gram[other, other], 0)
            return weights.at[other].add(change), None

        order = jax.random.permutation(key, slots)
        weights, _ = jax.lax.scan(remove_conflict, jax.nn.one_hot(slot, slots), order)
        return weights

    return jax.vmap(project)(jnp.arange(slots), jax.random.split(key, slots)).sum(0)


def cagrad(gram: jax.Array, radius: float) -> jax.Array:
    """Weights of CAGrad (Liu et al., arXiv 2110.14048, algorithm 1).

    Within a ball around the mean gradient g, of radius `radius` * |g|, CAGrad takes the direction
    that improves the worst task most. With w minimising F(w) = g_w . g + radius |g| |g_w| over
    convex combinations g_w of the gradients, the direction is g + radius |g| g_w / |g_w|. It is
    multiplied by the number of gradients over 1 + radius, so that a single gradient, or several
    equal ones, keep their sum.

    Args:
      gram: (K, K), inner products of the gradients.
      radius: c of the paper, 0 <= c < 1; 0 is the plain sum.
    """
    tiny = jnp.finfo(gram.dtype).tiny
    used = jnp.diagonal(gram) > 0
    count = jnp.maximum(used.sum(), 1)
    mean = used / count
    # Lengths in units of the gradients' root mean square length.
    gram = gram / jnp.maximum(jnp.trace(gram) / count, tiny)
    reach = radius * jnp.sqrt(mean @ gram @ mean)

    def length(weights: jax.Array) -> jax.Array:
        """|g_w|, smoothed at 0: convex combinations of the gradients may reach the origin."""
        return jnp.sqrt(weights @ gram @ weights + CAGRAD_SMOOTHING**2)

    def descend(_: int, weights: jax.Array) -> jax.Array:
        """Exponentiated gradient: keeps a convex combination, and leaves empty slots at 0."""
        combined = length(weights)
        slope = gram @ mean + reach * (gram @ weights) / combined
        # The shorter g_w is, the faster the slope changes direction.
        rate = jnp.minimum(CAGRAD_RATE, CAGRAD_CURVATURE * combined / jnp.maximum(reach, tiny))
        weights = weights * jnp.exp(-rate * slope)
        return weights / jnp.maximum(weights.sum(), tiny)

    weights = jax.lax.fori_loop(0, CAGRAD_STEPS, descend, mean)
    return count * (mean + reach * weights / length(weights)) / (1 + radius)


def cosine_matrix(gram: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The lengths (K,) of the gradients, and the cosines (K, K) of the angles between them.

    The cosines of an empty slot are 0, with itself too.
    """
    norms = jnp.sqrt(jnp.diagonal(gram))
    inverse = jnp.where(norms > 0, 1 / jnp.where(norms > 0, norms, 1), 0)
    return norms, gram * jnp.outer(inverse, inverse)


def sum_to_count(weights: jax.Array, used: jax.Array) -> jax.Array:
    """Scales weights (K,) of at least 0 so that they add up to the number of used slots."""
    return used.sum() * weights / jnp.maximum(weights.sum(), jnp.finfo(weights.dtype).tiny)
