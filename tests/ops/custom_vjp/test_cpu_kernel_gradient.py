"""The kernel gradient in strips: equal to XLA's gradient for any number of strips."""

import jax
import jax.numpy as jnp
import pytest

from helpers.convolutions import assert_same_values_and_gradients, xla_convolve
from ubernet_jax.ops.custom_vjp import cpu_kernel_gradient
from ubernet_jax.ops.custom_vjp.convolution import convolve


@pytest.mark.parametrize(('size', 'dilation'), [(3, 1), (3, 2), (1, 1), (5, 1)])
@pytest.mark.parametrize('strip_positions', [5000, 40, 1])
def test_any_number_of_strips_gives_the_gradient_of_xla(
    size, dilation, strip_positions, monkeypatch
):
    monkeypatch.setattr(cpu_kernel_gradient, 'STRIP_POSITIONS', strip_positions)
    assert_same_values_and_gradients(
        lambda x, kernel: convolve(x, kernel, dilation),
        lambda x, kernel: xla_convolve(x, kernel, dilation),
        size,
    )


def test_strips_are_limited_in_number_and_not_inside_control_flow():
    kernel = jnp.zeros((3, 3, 2, 2))

    def lower(width: int) -> jax.stages.Lowered:
        x = jnp.zeros((1, 120, width, 2))
        return jax.jit(jax.grad(lambda kernel: convolve(x, kernel).sum())).lower(kernel)

    assert ' conditional(' not in lower(100).compile().as_text()
    for width, strips in ((100, 10), (1000, cpu_kernel_gradient.MAX_STRIPS)):
        assert lower(width).as_text().count('stablehlo.convolution') == strips
