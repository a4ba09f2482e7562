"""XLA's convolution, and the comparison of other convolutions with it."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Convolution = Callable[[jax.Array, jax.Array], jax.Array]


def random_arrays(size: int) -> tuple[jax.Array, jax.Array]:
    """An image (2, 6, 9, 3) and a kernel (size, size, 3, 4)."""
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(2, 6, 9, 3)), rng.normal(size=(size, size, 3, 4))
    return jnp.array(x, jnp.float32), jnp.array(kernel, jnp.float32)


def xla_convolve(x: jax.Array, kernel: jax.Array, dilation: int, stride: int = 1) -> jax.Array:
    """XLA's convolution, padded to the size of `x` and then subsampled."""
    same = lax.conv_general_dilated(
        x,
        kernel,
        (1, 1),
        'SAME',
        rhs_dilation=(dilation, dilation),
        dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    )
    return same[:, ::stride, ::stride]


def assert_same_values_and_gradients(actual: Convolution, expected: Convolution, size: int) -> None:
    """Compares two functions of (x, kernel), for a kernel of `size`."""
    x, kernel = random_arrays(size)

    @functools.partial(jax.jit, static_argnums=0)
    def value_and_gradients(convolve, x, kernel):
        value, pull_back = jax.vjp(convolve, x, kernel)
        cotangent = jnp.cos(jnp.arange(value.size, dtype=jnp.float32)).reshape(value.shape)
        return value, *pull_back(cotangent)

    results = [value_and_gradients(convolve, x, kernel) for convolve in (actual, expected)]
    for result, expected_result in zip(*results, strict=True):
        np.testing.assert_allclose(result, expected_result, rtol=1e-4, atol=1e-4)
