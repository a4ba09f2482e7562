"""Compiled programs are kept on disk: a second run starts in seconds."""

import os
import pathlib

import jax


def enable_compilation_cache() -> None:
    """Keeps compiled programs in JAX_COMPILATION_CACHE_DIR, by default in the user's cache."""
    default = pathlib.Path.home() / '.cache' / 'ubernet_jax'
    directory = os.environ.get('JAX_COMPILATION_CACHE_DIR', str(default))
    jax.config.update('jax_compilation_cache_dir', directory)
    jax.config.update('jax_persistent_cache_min_compile_time_secs', 1.0)
