"""Exponential moving averages of the parameters, which prediction uses (`optim.ema`).

The average of a group moves when the group updates, not with every step: the average of a task that
is rarely labelled then spans as many updates as that of any other task. It begins at the initial
parameters, and its decay rises with the number of updates n, min(decay, (1 + n) / (10 + n)), so
that short runs forget the beginning (the rule of TensorFlow's ExponentialMovingAverage).
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from ubernet_jax.network import Params
from ubernet_jax.training.asynchronous import GroupState


def start_averages(params: Params, groups: Mapping[str, GroupState]) -> Params:
    """Copies the parameters of the groups that update: not those of a frozen trunk."""
    return {name: jax.tree.map(jnp.copy, params[name]) for name in groups}


def advance_averages(
    decay: float,
    averages: Params,
    params: Params,
    before: Mapping[str, GroupState],
    after: Mapping[str, GroupState],
) -> Params:
    """Moves the averages of the groups that a step has updated.

    Args:
      decay: largest share (0..1) of an average that an update keeps.
      averages: group -> average before the step.
      params: group -> parameters after the step.
      before: group -> state of the solver before the step.
      after: group -> state of the solver after the step.
    """

    def advance(name: str) -> Any:
        updates = after[name].updates
        share = 1 - jnp.minimum(decay, (1 + updates) / (10 + updates))

        def move() -> Any:
            return jax.tree.map(lambda a, p: a + share * (p - a), averages[name], params[name])

        return jax.lax.cond(updates > before[name].updates, move, lambda: averages[name])

    return {name: advance(name) for name in averages}
