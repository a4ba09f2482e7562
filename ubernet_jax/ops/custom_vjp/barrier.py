"""Prevents compilers from moving work on residuals into the forward pass."""

from typing import TypeVar

import jax
from jax import lax

Residuals = TypeVar('Residuals')


def tie_to_cotangent(cotangent: jax.Array, residuals: Residuals) -> Residuals:
    """Returns the residuals, made to depend on the cotangent by an optimization barrier.

    Without the barrier, a compiler may compute in the forward pass what depends on residuals only,
    such as a mask or a strip of an image, and keep it in addition to the residuals; or it may keep
    the arrays from which the residuals were computed.
    """
    return lax.optimization_barrier((residuals, cotangent))[0]
