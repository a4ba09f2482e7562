"""Asynchronous SGD as an optax transformation (paper, section 3).

Every parameter group has its gradient sum, its counter of labelled samples and its inner optimizer.
The inner optimizer runs only when the counter has reached the effective batch of the group, so that
momentum, weight decay and the learning-rate schedule advance only then.

A micro-batch may carry the counter past the effective batch. The group then updates once, with the
mean over all samples since its last update, and the counter restarts at zero.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import optax

ROUNDING = 1e-3  # samples; ten taught samples of weight 0.1 are one sample


class GroupState(NamedTuple):
    """State of one group.

    Attributes:
      count: float32, labelled samples since the last update; a taught label counts its weight.
      gradient_sum: like the parameters, over those samples.
      updates: int32, updates so far.
      inner: state of the inner optimizer.
    """

    count: jax.Array
    gradient_sum: optax.Params
    updates: jax.Array
    inner: optax.OptState


def accumulate_samples(
    inner: optax.GradientTransformation, batch_size: int
) -> optax.GradientTransformationExtraArgs:
    """Runs `inner` on the mean gradient of every `batch_size` labelled samples.

    `update` takes the gradient **sum** over the samples of a step and, as the keyword `count`,
    their number. Between updates it returns zeros and leaves the inner state untouched.
    """

    def init(params: optax.Params) -> GroupState:
        zeros = jax.tree.map(jnp.zeros_like, params)
        count, updates = jnp.zeros((), jnp.float32), jnp.zeros((), jnp.int32)
        return GroupState(count, zeros, updates, inner.init(params))

    def update(
        gradient_sum: optax.Updates,
        state: GroupState,
        params: optax.Params,
        *,
        count: jax.Array,
        **_: object,
    ) -> tuple[optax.Updates, GroupState]:
        total = jax.tree.map(jnp.add, state.gradient_sum, gradient_sum)
        seen = state.count + count
        zeros = jax.tree.map(jnp.zeros_like, total)

        def fire() -> tuple[optax.Updates, GroupState]:
            mean = jax.tree.map(lambda x: x / seen, total)
            updates, inner_state = inner.update(mean, state.inner, params)
            return updates, GroupState(jnp.zeros_like(seen), zeros, state.updates + 1, inner_state)

        def hold() -> tuple[optax.Updates, GroupState]:
            return zeros, GroupState(seen, total, state.updates, state.inner)

        return jax.lax.cond(seen >= batch_size - ROUNDING, fire, hold)

    return _with_required_arguments(init, update)


def per_group(
    transformations: Mapping[str, optax.GradientTransformationExtraArgs],
) -> optax.GradientTransformationExtraArgs:
    """A transformation for each parameter group, for trees whose first keys are the group names.

    `update` takes the keyword `counts`: group -> labelled samples of this step.
    """

    def init(params: Mapping[str, optax.Params]) -> dict[str, optax.OptState]:
        return {
            group: transformation.init(params[group])
            for group, transformation in transformations.items()
        }

    def update(
        gradient_sums: Mapping[str, optax.Updates],
        state: Mapping[str, optax.OptState],
        params: Mapping[str, optax.Params],
        *,
        counts: Mapping[str, jax.Array],
        **_: object,
    ) -> tuple[dict[str, optax.Updates], dict[str, optax.OptState]]:
        results = {
            group: transformation.update(
                gradient_sums[group], state[group], params[group], count=counts[group]
            )
            for group, transformation in transformations.items()
        }
        return (
            {group: updates for group, (updates, _) in results.items()},
            {group: group_state for group, (_, group_state) in results.items()},
        )

    return _with_required_arguments(init, update)


def _with_required_arguments(
    init: Callable, update: Callable
) -> optax.GradientTransformationExtraArgs:
    """A transformation whose `update` requires its keyword, which optax has no type for."""
    return optax.GradientTransformationExtraArgs(
        init, cast(optax.TransformUpdateExtraArgsFn, update)
    )
