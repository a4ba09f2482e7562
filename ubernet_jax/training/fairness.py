"""FairGrad and Nash-MTL: methods that share the improvement fairly among the tasks.

Shape letter: K slots, see `combination`.
"""

import jax
import jax.numpy as jnp

from ubernet_jax.training.balancing import cosine_matrix, sum_to_count

STEPS = 40  # of Newton's method
HALVINGS = 12  # lengths of a Newton step that are tried
RIDGE = 10  # added to the diagonal, in units of the rounding error


def nash_mtl(gram: jax.Array) -> jax.Array:
    """Weights of Nash-MTL (Navon et al., arXiv 2202.01017, section 3.2): FairGrad with alpha = 1.

    The result of a bargaining game. The lengths of the gradients do not change the direction.

    Args:
      gram: (K, K), inner products of the gradients.
    """
    return fairgrad(gram, alpha=1.0)


def fairgrad(gram: jax.Array, alpha: float) -> jax.Array:
    """Weights of FairGrad (Ban and Ji, arXiv 2402.15638, equation 4).

    The weights w maximise the alpha-fair utility of the tasks' improvements: gram w = w^(-1/alpha).
    They are multiplied to add up to the number of gradients.

    Args:
      gram: (K, K), inner products of the gradients.
      alpha: 0.5 to 10; the larger, the more the smallest improvement counts.
    """
    norms, cosines = cosine_matrix(gram)
    used = norms > 0
    mean = norms.sum() / jnp.maximum(used.sum(), 1)
    lengths = jnp.where(used, norms / jnp.where(used, mean, 1), 1)
    power = 1 / alpha
    ridge = RIDGE * jnp.finfo(gram.dtype).eps
    matrix = cosines + jnp.diag(jnp.where(used, ridge, 1))
    scale = lengths ** (power - 1)
    # v = w * lengths solves matrix v = scale v^-power, the minimum of a convex function.

    def residual(v: jax.Array) -> jax.Array:
        return matrix @ v - scale * v**-power

    def newton(_: int, v: jax.Array) -> jax.Array:
        curvature = matrix + jnp.diag(power * scale * v ** (-power - 1))
        change = -jnp.linalg.solve(curvature, residual(v))

        def shorten(step: jax.Array) -> tuple[jax.Array, jax.Array]:
            tried = v + step * change
            tried = jnp.where((tried > 0).all(), tried, v)
            return tried, jnp.abs(residual(tried)).max()

        tried, errors = jax.vmap(shorten)(0.5 ** jnp.arange(HALVINGS, dtype=v.dtype))
        return tried[errors.argmin()]

    v = jax.lax.fori_loop(0, STEPS, newton, jnp.ones_like(lengths))
    return sum_to_count(jnp.where(used, v / lengths, 0), used)
