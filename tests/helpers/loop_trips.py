"""Counts the trips of `jax.lax.while_loop`, when a compiled program runs."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest


class TripCounter:
    """Replaces the loops of `jax.lax` for functions that are traced from then on.

    Attributes:
      loops: number of loops that were traced.
      trips: number of trips that were made, of inner loops too; under `vmap` the images of a batch
        make their trips together.
    """

    def __init__(self):
        self.loops, self.trips = 0, 0
        self._while_loop = jax.lax.while_loop

    def while_loop(self, condition: Callable, body: Callable, start: Any) -> Any:
        """As `jax.lax.while_loop`."""
        self.loops += 1
        count, result = self._while_loop(
            lambda state: condition(state[1]),
            lambda state: (state[0] + 1, body(state[1])),
            (jnp.int32(0), start),
        )
        shape = jax.ShapeDtypeStruct((), jnp.int32)
        zero = jax.pure_callback(self._record, shape, count, vmap_method='expand_dims')
        # The result depends on the callback, which is therefore not removed.
        return jax.tree.map(
            lambda x: x ^ (zero != 0) if x.dtype == bool else x + zero.astype(x.dtype), result
        )

    def _record(self, count: jax.Array) -> np.ndarray:
        self.trips += int(np.max(count))
        return np.zeros_like(count)


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Iterator[TripCounter]:
    """A counter of all loops; other functions with loops than `while_loop` fail."""
    counter = TripCounter()

    def fail(*arguments: Any, **options: Any) -> None:
        raise AssertionError('this loop is not counted: use while_loop, or count it')

    monkeypatch.setattr(jax.lax, 'while_loop', counter.while_loop)
    for name in ('fori_loop', 'scan', 'map'):
        monkeypatch.setattr(jax.lax, name, fail)
    yield counter
