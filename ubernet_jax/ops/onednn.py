"""Products and convolutions by oneDNN, on CPUs that multiply bfloat16 in their AMX units.

XLA:CPU converts the operands of a convolution to float32, and computes at a tenth of the speed of
these units. oneDNN is a part of jaxlib that XLA's own rewriter no longer uses; it is called by name
here. The names and their configuration (xla/service/cpu/onednn_config.proto) are internal to XLA
and have no guarantee, hence `usable`: other machines and versions keep the plain program. Programs
with these calls cannot be kept in the compilation cache, and are not portable.
"""

import contextlib
import contextvars
import functools
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import jaxlib.version
import numpy as np

Array = jax.Array

TRIED = ('0.10.2',)  # versions of jaxlib; another might end the process at a changed configuration
CPU_FLAGS = pathlib.Path('/proc/cpuinfo')
_portable = contextvars.ContextVar('portable', default=False)


def usable(*arrays: Array) -> bool:
    """Whether `multiply` and `convolve` take these arrays here; decided while tracing.

    They lower for CPUs only: call them in the branch `cpu` of `jax.lax.platform_dependent`.
    """
    return (
        all(array.dtype == jnp.bfloat16 for array in arrays)
        and not _portable.get()
        and jaxlib.version.__version__ in TRIED
        and _has_amx()
        and _works()
    )


@contextlib.contextmanager
def portable_programs() -> Iterator[None]:
    """Programs traced within are plain ones, which other machines can run too."""
    token = _portable.set(True)
    try:
        yield
    finally:
        _portable.reset(token)


@functools.cache
def _has_amx() -> bool:
    """Whether the CPU has AMX units for bfloat16."""
    return CPU_FLAGS.exists() and ' amx_bf16' in CPU_FLAGS.read_text()


@functools.cache
def _works() -> bool:
    """Whether this build of jaxlib has oneDNN, and XLA passes it the configuration as expected."""
    x, kernel = np.ones((1, 2, 2, 32), jnp.bfloat16), np.ones((3, 3, 32, 32), jnp.bfloat16)
    cpu = jax.local_devices(backend='cpu')[0]
    try:
        with jax.default_device(cpu):
            compiled = jax.jit(lambda x, kernel: convolve(x, kernel, 1)).lower(x, kernel).compile()
            return bool((np.asarray(compiled(x, kernel)) == 4 * 32).all())
    except jax.errors.JaxRuntimeError:  # no such call
        return False


def multiply(
    a: Array, b: Array, dtype: Any, transpose_a: bool = False, transpose_b: bool = False
) -> Array:
    """The product of two bfloat16 matrices, summed in float32, as bfloat16 or float32."""
    shape = a.shape[1 if transpose_a else 0], b.shape[0 if transpose_b else 1]
    config = {'transpose_a': transpose_a, 'transpose_b': transpose_b}
    return _call('matmul', {'onednn_matmul_config': config}, shape, dtype, a, b)


def convolve(x: Array, kernel: Array, dilation: int, transposed: bool = False) -> Array:
    """A convolution with stride 1 that keeps the image size by zero padding.

    Args:
      x: bfloat16 (N, h, w, c).
      kernel: bfloat16 (k, k, c, d), k odd; with `transposed` (k, k, d, c).
      dilation: distance in pixels of `x` between two positions of the kernel.
      transposed: exchanges the input and output channels of the kernel.

    Returns:
      bfloat16 (N, h, w, d), summed in float32.
    """
    inputs, outputs = (3, 2) if transposed else (2, 3)
    padding = dilation * (len(kernel) // 2)
    image = {'data': {'batch_dim': 0, 'feature_dim': 3, 'spatial_dims': [1, 2]}}
    channels = {'input_feature_dim': inputs, 'output_feature_dim': outputs}
    window = {
        'size': kernel.shape[:2],
        'pad_left': [padding] * 2,
        'pad_right': [padding] * 2,
        'strides': [1, 1],
        'window_dilations': [dilation] * 2,
    }
    config = {
        'dims': 4,
        'feature_groups': 1,
        'input': image,
        'output': image,
        'kernel': {'filter': channels | {'spatial_dims': [0, 1]}},
        'window': window,
    }
    shape = (*x.shape[:3], kernel.shape[outputs])
    return _call('convolution', {'onednn_conv_config': config}, shape, x.dtype, x, kernel)


def _call(
    operation: str, config: dict[str, Any], shape: tuple[int, ...], dtype: Any, *operands: Array
) -> Array:
    call = jax.ffi.ffi_call(
        f'__onednn${operation}',
        jax.ShapeDtypeStruct(shape, dtype),
        custom_call_api_version=2,
        legacy_backend_config=json.dumps(config),
        vmap_method='sequential',
    )
    return call(*operands)
