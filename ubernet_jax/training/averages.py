"""Exponential moving averages of the parameters, which prediction uses (`optim.ema`).

The average of a group moves when the group updates, not with every step: the average of a task that
is rarely labelled then spans as many updates as that of any other task. It begins at the initial
parameters, and its decay rises with the number of updates n, min(decay, (1 + n) / (10 + n)), so
that short runs forget the beginning (the rule of TensorFlow's ExponentialMovingAverage).
"""

from typing import Any

import jax
import jax.numpy as jnp

from ubernet_jax.network import Params
from ubernet_jax.training.state import TrainState


def advance_averages(decay: float, before: TrainState, after: TrainState) -> Params:
    """Returns the averages, of which those of the groups that a step has updated have moved.

    Args:
      decay: largest share (0..1) of an average that an update keeps.
      before: the state before the step.
      after: the state after the step, with the averages of `before`.
    """

    def advance(name: str, average: dict) -> Any:
        updates = after.groups[name].updates
        share = 1 - jnp.minimum(decay, (1 + updates) / (10 + updates))

        def move() -> Any:
            return jax.tree.map(lambda a, p: a + share * (p - a), average, after.params[name])

        return jax.lax.cond(updates > before.groups[name].updates, move, lambda: average)

    return {name: advance(name, average) for name, average in after.averages.items()}
