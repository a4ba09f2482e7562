"""Expresses a function by operations that ONNX has."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.extend.core as jex
from jax import lax

# Calls of a function: the name of the primitive -> its parameter with the function.
_CALLS = {
    'jit': 'jaxpr',
    'remat2': 'jaxpr',
    'custom_jvp_call': 'call_jaxpr',
    'custom_vjp_call': 'call_jaxpr',
}


def for_onnx(function: Callable[..., Any], *arguments: jax.ShapeDtypeStruct) -> Callable[..., Any]:
    """Returns the same function of arrays without interior padding and without calls.

    ONNX has no interior padding, by which `ops.interpolate` inserts zeros between the nodes.
    Hand-written gradients, and what is recomputed for gradients, are left out.

    Args:
      function: maps arrays to an array or to several.
      *arguments: shapes and dtypes of the arrays.
    """
    traced = jax.make_jaxpr(function)(*arguments)
    return lambda *arrays: _evaluate(traced.jaxpr, traced.consts, arrays)


def _evaluate(jaxpr: jex.Jaxpr, consts: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
    """Evaluates a program operation by operation; returns its results."""
    values: dict[Any, Any] = dict(
        zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *arguments], strict=True)
    )

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, jex.Literal) else values[atom]

    for equation in jaxpr.eqns:
        operands = list(map(read, equation.invars))
        name, parameters = equation.primitive.name, equation.params
        if name in _CALLS:
            called = parameters[_CALLS[name]]
            inner, inner_consts = (called, ()) if isinstance(called, jex.Jaxpr) else (
                called.jaxpr, called.consts,
            )  # fmt: skip
            results = _evaluate(inner, inner_consts, operands)
        elif name == 'pad':
            results = [_pad(*operands, **parameters)]
        elif name == 'scatter-add' and not operands[1].size:  # to the whole array
            results = [operands[0] + operands[2]]
        else:
            results = equation.primitive.bind(*operands, **parameters)
            results = results if equation.primitive.multiple_results else [results]
        values |= zip(equation.outvars, results, strict=True)
    return list(map(read, jaxpr.outvars))


def _pad(x: jax.Array, value: jax.Array, padding_config: Sequence[tuple[int, int, int]]):
    """`lax.pad`, whose interior padding is made by padding an additional axis."""
    edges = [(low, high, 0) for low, high, _ in padding_config]
    for axis, (_, _, interior) in enumerate(padding_config):
        if interior and x.shape[axis] > 1:
            length = x.shape[axis]
            behind = [(0, interior if a == axis + 1 else 0, 0) for a in range(x.ndim + 1)]
            spread = lax.pad(lax.expand_dims(x, [axis + 1]), value, behind)
            shape = [*x.shape[:axis], length * (interior + 1), *x.shape[axis + 1 :]]
            x = lax.slice_in_dim(spread.reshape(shape), 0, shape[axis] - interior, axis=axis)
    return lax.pad(x, value, edges) if any(map(any, edges)) else x
