"""The barrier: it changes no value, and makes residuals depend on the cotangent."""

import jax
import jax.numpy as jnp
import numpy as np

from ubernet_jax.ops.custom_vjp.barrier import tie_to_cotangent


def test_residuals_keep_their_structure_and_values():
    residuals = {'x': jnp.arange(3.0), 'valid': jnp.array([True, False])}
    tied = jax.jit(tie_to_cotangent)(jnp.zeros(2), residuals)
    jax.tree.map(np.testing.assert_array_equal, tied, residuals)


def test_the_cotangent_is_an_operand_of_the_barrier():
    jaxpr = jax.make_jaxpr(tie_to_cotangent)(jnp.zeros(2), jnp.zeros(3))
    (barrier,) = jaxpr.eqns
    assert barrier.primitive.name == 'optimization_barrier'
    assert {operand.aval.shape for operand in barrier.invars} == {(2,), (3,)}
