"""Compilation: a cache on disk, and options for `jax.jit` that matter on a CPU."""

import os
import pathlib
import warnings

import jax


def enable_compilation_cache() -> None:
    """Keeps compiled programs in JAX_COMPILATION_CACHE_DIR, by default in the user's cache."""
    default = pathlib.Path.home() / '.cache' / 'ubernet_jax'
    directory = os.environ.get('JAX_COMPILATION_CACHE_DIR', str(default))
    jax.config.update('jax_compilation_cache_dir', directory)
    # Programs with calls of `ops/onednn` cannot be kept: XLA fails with this error, and JAX warns.
    warnings.filterwarnings('ignore', '.*compilation cache entry .*: MemoryError: std::bad_alloc')


def recomputing() -> dict[str, str]:
    """Options for `jax.jit` with which `jax.checkpoint` saves memory on a CPU too.

    XLA:CPU removes the barriers between the first computation and its repetition, merges the two as
    common subexpressions, and so keeps the activations. Other backends leave the barriers alone.
    """
    on_cpu = jax.default_backend() == 'cpu'
    return {'xla_disable_hlo_passes': 'cse_barrier_expander'} if on_cpu else {}


def unoptimised() -> dict[str, int]:
    """Options for `jax.jit` of a program that runs once: faster to compile for a CPU."""
    return {'xla_backend_optimization_level': 0} if jax.default_backend() == 'cpu' else {}
