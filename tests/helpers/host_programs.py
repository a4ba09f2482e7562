"""Functions as single programs with results on the host.

Operation by operation, most of the time of a test of small arrays would be compilation.
"""

from collections.abc import Callable

import jax


def jit_to_host(function: Callable, **options: object) -> Callable:
    """Returns `jax.jit(function, **options)` with arrays of NumPy as results."""
    jitted = jax.jit(function, **options)
    return lambda *arguments, **named: jax.device_get(jitted(*arguments, **named))
