"""The choice of programs for CPUs with AMX, on any machine; values on machines with AMX."""

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.convolutions import random_arrays, xla_convolve
from ubernet_jax.ops import onednn
from ubernet_jax.ops.conv_as_matmuls import conv_as_matmuls
from ubernet_jax.ops.custom_vjp.convolution import convolve
from ubernet_jax.ops.product import product

NAME = '__onednn$'
X, KERNEL = (array.astype(jnp.bfloat16) for array in random_arrays(3))


def train(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, ...]:
    """Values and gradients of all operations that have a program for AMX."""

    def outputs(x, kernel):
        return [convolve(x, kernel, 2), conv_as_matmuls(x, kernel, 2, 2), product(x, kernel[0, 0])]

    values, pull_back = jax.vjp(outputs, x, kernel)
    return *values, *pull_back(values)


def lowered(platform: str, *arrays: jax.Array) -> str:
    traced = jax.jit(lambda *arrays: train(*arrays)).trace(*arrays)  # JAX keeps traces of `train`
    return traced.lower(lowering_platforms=(platform,)).as_text()


@pytest.fixture
def amx(monkeypatch) -> None:
    monkeypatch.setattr(onednn, '_has_amx', lambda: True)
    monkeypatch.setattr(onednn, '_works', lambda: True)
    monkeypatch.setattr(onednn, 'TRIED', (onednn.jaxlib.version.__version__,))


@pytest.fixture
def real_amx() -> None:
    if not onednn.usable(X):
        pytest.skip('this machine has no AMX, or this jaxlib was not tried with it')


@pytest.mark.usefixtures('amx')
def test_a_cpu_with_amx_gets_calls_of_onednn():
    text = lowered('cpu', X, KERNEL)
    assert f'{NAME}convolution' in text and f'{NAME}matmul' in text
    assert 'stablehlo.convolution' not in text and 'stablehlo.dot_general' not in text


@pytest.mark.usefixtures('amx')
def test_other_platforms_and_float32_get_the_plain_program():
    assert NAME not in lowered('cuda', X, KERNEL)
    arrays = X.astype(jnp.float32), KERNEL.astype(jnp.float32)
    assert NAME not in lowered('cpu', *arrays)


@pytest.mark.usefixtures('amx')
def test_portable_programs_are_plain():
    with onednn.portable_programs():
        assert NAME not in lowered('cpu', X, KERNEL)
    assert NAME in lowered('cpu', X, KERNEL)


@pytest.mark.usefixtures('amx')
@pytest.mark.parametrize('lack', ['_has_amx', '_works'])
def test_other_cpus_and_builds_of_jaxlib_get_the_plain_program(monkeypatch, lack):
    monkeypatch.setattr(onednn, lack, lambda: False)
    assert NAME not in lowered('cpu', X, KERNEL)


@pytest.mark.usefixtures('amx')
def test_versions_of_jaxlib_that_were_not_tried_get_the_plain_program(monkeypatch):
    monkeypatch.setattr(onednn, 'TRIED', ())
    assert NAME not in lowered('cpu', X, KERNEL)


@pytest.mark.parametrize(('flags', 'expected'), [('avx512f amx_bf16 amx_tile', True), ('', False)])
def test_the_flags_of_the_cpu_are_read(monkeypatch, tmp_path, flags, expected):
    monkeypatch.setattr(onednn, 'CPU_FLAGS', tmp_path / 'cpuinfo')
    assert not onednn._has_amx.__wrapped__()
    (tmp_path / 'cpuinfo').write_text(f'flags\t\t: fpu vme {flags}\n')
    assert onednn._has_amx.__wrapped__() == expected


def assert_near_float32(function, expected, x, kernel):
    """Values and gradients in bfloat16 differ from those in float32 by its rounding."""

    def value_and_gradients(function, x, kernel):
        value, pull_back = jax.vjp(function, x, kernel)
        cotangent = jnp.cos(jnp.arange(value.size, dtype=jnp.float32)).astype(jnp.bfloat16)
        return value, *pull_back(cotangent.reshape(value.shape).astype(value.dtype))

    low = jax.jit(lambda *arrays: value_and_gradients(function, *arrays))(x, kernel)
    exact = jax.jit(lambda *arrays: value_and_gradients(expected, *arrays))(
        x.astype(jnp.float32), kernel.astype(jnp.float32)
    )
    for result, wanted in zip(low, exact, strict=True):
        assert result.dtype == jnp.bfloat16
        difference = np.abs(np.asarray(result, np.float32) - wanted)
        assert (difference <= 2**-8 * np.abs(wanted) + 1e-5 * np.abs(wanted).max()).all()


@pytest.mark.usefixtures('real_amx')
@pytest.mark.parametrize(('size', 'dilation'), [(3, 1), (3, 2), (1, 1), (5, 1), (3, 12)])
def test_convolutions_are_rounded_once(size, dilation):
    x, kernel = (array.astype(jnp.bfloat16) for array in random_arrays(size))
    assert_near_float32(
        lambda x, kernel: convolve(x, kernel, dilation),
        lambda x, kernel: xla_convolve(x, kernel, dilation),
        x,
        kernel,
    )


@pytest.mark.usefixtures('real_amx')
@pytest.mark.parametrize('shape', [(5, 32), (2, 7, 32), (2, 3, 4, 32), (1, 32)])
def test_products_are_rounded_once(shape):
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=shape), jnp.bfloat16)
    kernel = jnp.asarray(rng.normal(size=(32, 21)), jnp.bfloat16)
    assert_near_float32(product, jnp.matmul, x, kernel)


@pytest.mark.usefixtures('real_amx')
def test_kernel_gradients_of_large_maps_are_summed_over_strips(monkeypatch):
    from ubernet_jax.ops.custom_vjp import amx_kernel_gradient

    monkeypatch.setattr(amx_kernel_gradient, 'STRIP_POSITIONS', 30)
    assert_near_float32(convolve, lambda x, kernel: xla_convolve(x, kernel, 1), X, KERNEL)


@pytest.mark.usefixtures('amx')
@pytest.mark.parametrize('operation', [convolve, lambda x, kernel: product(x, kernel[0, 0])])
def test_the_residuals_are_the_argument_and_the_kernel(operation):
    pull_back = jax.eval_shape(lambda x, kernel: jax.vjp(operation, x, kernel)[1], X, KERNEL)
    shapes = sorted(leaf.shape[-2:] for leaf in jax.tree.leaves(pull_back))
    assert shapes == [KERNEL.shape[-2:], X.shape[-2:]]


@pytest.mark.usefixtures('real_amx')
def test_gradients_with_recomputation_and_inside_cond():
    def gradients(x, kernel):
        def loss(x, kernel):
            return jax.checkpoint(convolve)(x, kernel).astype(jnp.float32).sum()

        return jax.grad(loss, (0, 1))(x, kernel)

    @jax.jit
    def inside_cond(condition, x, kernel):
        return jax.lax.cond(condition, gradients, lambda *arrays: arrays, x, kernel)

    expected = jax.jit(gradients)(X, KERNEL)
    for gradient, wanted in zip(inside_cond(True, X, KERNEL), expected, strict=True):
        np.testing.assert_array_equal(gradient, wanted)
