"""Asynchronous SGD as an optax transformation (paper, section 3).

Every parameter group has its own gradient sum, its own counter of labelled samples and its own
inner optimizer. The inner optimizer runs only when the counter has reached the group's effective
batch, so that momentum, weight decay and the learning-rate schedule advance only then.

A micro-batch may carry the counter past the effective batch. The group then updates once, with the
mean over all samples that it has seen, and the counter starts again at zero.
"""

import collections
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from ubernet_jax.config import Algorithm, Config, GroupConfig, OptimConfig, Optimizer
from ubernet_jax.losses.uncertainty import LOG_VARIANCE
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.tasks.group import SHARED
from ubernet_jax.training.schedule import batch_size, decay_updates, groups_of

POLYNOMIAL_POWER = 0.9  # DeepLab (arXiv 1606.00915)


class GroupState(NamedTuple):
    """State of one group.

    Attributes:
      count: int32, labelled samples since the last update.
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
        zero = jnp.zeros((), jnp.int32)
        return GroupState(zero, jax.tree.map(jnp.zeros_like, params), zero, inner.init(params))

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

        return jax.lax.cond(seen >= batch_size, fire, hold)

    return optax.GradientTransformationExtraArgs(init, update)


def per_group(
    transformations: Mapping[str, optax.GradientTransformationExtraArgs],
) -> optax.GradientTransformationExtraArgs:
    """One transformation a parameter group, for trees whose first keys are the groups' names.

    `update` takes the keyword `counts`: group -> labelled samples of this step.
    """

    def init(params: optax.Params) -> dict[str, GroupState]:
        return {group: t.init(params[group]) for group, t in transformations.items()}

    def update(
        gradient_sums: optax.Updates,
        state: dict[str, GroupState],
        params: optax.Params,
        *,
        counts: Mapping[str, jax.Array],
        **_: object,
    ) -> tuple[optax.Updates, dict[str, GroupState]]:
        results = {
            group: t.update(gradient_sums[group], state[group], params[group], count=counts[group])
            for group, t in transformations.items()
        }
        return (
            {group: updates for group, (updates, _) in results.items()},
            {group: group_state for group, (_, group_state) in results.items()},
        )

    return optax.GradientTransformationExtraArgs(init, update)


def make_optimizer(
    config: Config, updates: Mapping[str, int]
) -> optax.GradientTransformationExtraArgs:
    """The solver of a run: `update(gradient_sums, state, params, counts=labelled_counts)`.

    With the synchronous algorithm `counts` should hold the number of images for every group (see
    `sample_counts`), and all groups share the trunk's batch size.

    Args:
      config: of the run.
      updates: group -> updates that it is expected to make: see `schedule.Schedule`.
    """
    blocks = TRUNKS[config.model.trunk].blocks[: config.model.frozen_blocks]
    frozen = tuple(name for name, _ in blocks)
    return per_group(
        {
            name: accumulate_samples(
                _inner_optimizer(config.optim, group, updates[name], frozen),
                batch_size(config, group),
            )
            for name, group in groups_of(config).items()
        }
    )


def sample_counts(
    algorithm: Algorithm, labelled: Mapping[str, jax.Array], images: jax.Array
) -> dict[str, jax.Array]:
    """How many samples of this step each group counts.

    Args:
      algorithm: asynchronous groups count their own samples, synchronous ones every image.
      labelled: task -> number of labelled images of the micro-batch.
      images: number of its images.
    """
    if algorithm is Algorithm.SYNCHRONOUS:
        return {SHARED: images, **dict.fromkeys(labelled, images)}
    return {SHARED: images, **labelled}


def _inner_optimizer(
    config: OptimConfig, group: GroupConfig, updates: int, frozen: tuple[str, ...]
) -> optax.GradientTransformation:
    decay = optax.add_decayed_weights(config.weight_decay, mask=_is_weight)
    match config.optimizer:
        case Optimizer.SGD:
            steps = (decay, optax.trace(config.momentum))
        case Optimizer.ADAMW:
            steps = (optax.scale_by_adam(b1=config.momentum), decay)
    return optax.chain(
        *steps,
        optax.scale_by_learning_rate(make_rate(group, updates)),
        scale_by_leaf(lambda path: _multiplier(path, config, frozen)),
    )


def make_rate(group: GroupConfig, expected: int) -> optax.Schedule:
    """Learning rate of a group by the number of its own updates: in steps, or polynomial.

    Args:
      group: its settings.
      expected: updates that it is expected to make in the run.
    """
    if group.polynomial:
        length = max(1, expected)

        def polynomial(updates: jax.Array) -> jax.Array:
            # Not 1 - updates / N, as in optax: compiled, that can end just below 0, without a root.
            left = jnp.maximum(length - updates, 0) / length
            return group.learning_rate * left**POLYNOMIAL_POWER

        return polynomial
    after = collections.Counter(decay_updates(group, expected))
    return optax.piecewise_constant_schedule(
        group.learning_rate, {updates: 0.1**times for updates, times in after.items()}
    )


def scale_by_leaf(multiplier: Callable[[tuple[str, ...]], float]) -> optax.GradientTransformation:
    """Multiplies each leaf's update by `multiplier(path)`, path being its tuple of keys."""

    def update(updates: optax.Updates, params: optax.Params | None = None) -> optax.Updates:
        del params
        return jax.tree_util.tree_map_with_path(
            lambda path, leaf: leaf * multiplier(_names(path)), updates
        )

    return optax.stateless(update)


def _multiplier(path: tuple[str, ...], config: OptimConfig, frozen: tuple[str, ...]) -> float:
    if any(name in frozen for name in path):
        return 0.0
    special = {'bias': config.bias_multiplier, LOG_VARIANCE: config.log_variance_multiplier}
    return special.get(path[-1], 1.0)


def _is_weight(params: optax.Params) -> optax.Params:
    return jax.tree_util.tree_map_with_path(
        lambda path, _: _names(path)[-1] not in ('bias', LOG_VARIANCE), params
    )


def _names(path: tuple) -> tuple[str, ...]:
    return tuple(entry.key for entry in path)
