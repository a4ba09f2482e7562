"""Functions without interior padding and calls, which ONNX does not have, compute the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ubernet_jax.inference.onnx_operations import for_onnx
from ubernet_jax.ops.conv_as_matmuls import conv_as_matmuls
from ubernet_jax.ops.custom_vjp.max_pool import max_pool
from ubernet_jax.ops.custom_vjp.relu import relu
from ubernet_jax.ops.interpolate import upsample_2x

KERNEL = np.random.default_rng(1).normal(size=(3, 3, 2, 4)).astype(np.float32)


@pytest.mark.parametrize(
    'function',
    [
        upsample_2x,
        lambda x: conv_as_matmuls(x, KERNEL[1:2, 1:2]),
        lambda x: conv_as_matmuls(x, KERNEL, dilation=2),
        lambda x: jax.checkpoint(lambda x: relu(x) + max_pool(x, 1))(x),
        lambda x: jax.lax.pad(x, 3.0, [(0, 0, 0), (2, -1, 2), (-1, 0, 1), (0, 0, 0)]),
        lambda x: jax.jit(lambda x: {'b': x, 'a': jnp.sum(x)})(x),
    ],
)
@pytest.mark.parametrize('side', [1, 4])
def test_the_results_are_equal_and_no_operation_is_unknown(function, side):
    x = np.random.default_rng(0).normal(size=(1, side + 1, side, 2)).astype(np.float32)
    converted = for_onnx(function, jax.ShapeDtypeStruct(x.shape, x.dtype))
    expected = jax.tree.leaves(function(x))
    for result, wanted in zip(converted(x), expected, strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-6)
    for equation in jax.make_jaxpr(converted)(x).eqns:
        name, parameters = equation.primitive.name, equation.params
        assert name not in ('custom_vjp_call', 'remat2')
        assert name != 'pad' or not any(inside for _, _, inside in parameters['padding_config'])
        assert name != 'scatter-add' or equation.invars[1].aval.size
