"""The solver of a run: asynchronous SGD with the learning rates and multipliers of the settings."""

import collections
from collections.abc import Callable, Mapping
from typing import assert_never

import jax
import jax.numpy as jnp
import optax

from ubernet_jax.config import Algorithm, GroupConfig, ModelConfig, OptimConfig, Optimizer
from ubernet_jax.losses.uncertainty import LOG_VARIANCE
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.tasks.group import SHARED
from ubernet_jax.training.asynchronous import accumulate_samples, per_group
from ubernet_jax.training.groups import batch_size, decay_updates

POLYNOMIAL_POWER = 0.9  # DeepLab (arXiv 1606.00915)


def make_optimizer(
    optim: OptimConfig,
    model: ModelConfig,
    groups: Mapping[str, GroupConfig],
    updates: Mapping[str, int],
) -> optax.GradientTransformationExtraArgs:
    """The solver of a run: `update(gradient_sums, state, params, counts=labelled_counts)`.

    The trees have only the parameters that are trained: see `trained_part`.

    With the synchronous algorithm `counts` holds the number of images for every group (see
    `sample_counts`), and all groups have the batch size of the trunk.

    Args:
      optim: settings of all groups.
      model: its trunk; if that is frozen as a whole, it has no state.
      groups: group -> its settings, see `groups_of`.
      updates: group -> updates that it is expected to make, see `schedule.Schedule`.
    """
    # The layers of a head have the names of the taps, of which some are names of blocks.
    trunk = TRUNKS[model.trunk]
    factors = {SHARED: trunk.rate_factors(optim.layer_decay)}
    left_out = {SHARED} if trunk.is_frozen(model) else set()
    return per_group(
        {
            name: accumulate_samples(
                _inner_optimizer(optim, group, updates[name], factors.get(name, {})),
                batch_size(optim, group),
            )
            for name, group in groups.items()
            if name not in left_out
        }
    )


def sample_counts(
    algorithm: Algorithm, labelled: Mapping[str, jax.Array], images: jax.Array
) -> dict[str, jax.Array]:
    """How many samples of this step each group counts.

    Args:
      algorithm: asynchronous groups count their labelled images, synchronous groups every image.
      labelled: task -> number of labelled images of the step; a taught label counts its weight.
      images: number of images of the step.
    """
    if algorithm is Algorithm.SYNCHRONOUS:
        return {SHARED: images, **dict.fromkeys(labelled, images)}
    return {SHARED: images, **labelled}


def _inner_optimizer(
    config: OptimConfig, group: GroupConfig, updates: int, factors: Mapping[str, float]
) -> optax.GradientTransformation:
    decay = optax.add_decayed_weights(config.weight_decay, mask=_is_weight)
    match config.optimizer:
        case Optimizer.SGD:
            steps = (decay, optax.trace(config.momentum))
        case Optimizer.ADAMW:
            steps = (optax.scale_by_adam(b1=config.momentum), decay)
        case _ as unreachable:
            assert_never(unreachable)
    rate = optax.scale_by_learning_rate(make_rate(group, updates))
    return optax.chain(
        optax.chain(*steps, rate),  # a chain within a chain, as in checkpoints of earlier versions
        scale_by_leaf(lambda path: _multiplier(path, config, group, factors)),
    )


def make_rate(group: GroupConfig, expected: int) -> optax.Schedule:
    """Learning rate of a group as a function of the updates that it has made.

    It falls piecewise constant or polynomial.

    Args:
      group: its settings.
      expected: updates that the group is expected to make in the run.
    """
    if group.polynomial:
        length = max(1, expected)

        def polynomial(updates: jax.typing.ArrayLike) -> jax.Array:
            # Not 1 - updates / N, as in optax: compiled, it can fall just below 0: a power of NaN.
            left = jnp.maximum(length - updates, 0) / length
            return group.learning_rate * left**POLYNOMIAL_POWER

        return polynomial
    after = collections.Counter(decay_updates(group, expected))
    return optax.piecewise_constant_schedule(
        group.learning_rate, {updates: 0.1**times for updates, times in after.items()}
    )


def scale_by_leaf(multiplier: Callable[[tuple[str, ...]], float]) -> optax.GradientTransformation:
    """Multiplies the update of each leaf by `multiplier(path)`; the path is a tuple of keys."""

    def update(updates: optax.Updates, params: optax.Params | None = None) -> optax.Updates:
        del params
        return jax.tree_util.tree_map_with_path(
            lambda path, leaf: leaf * multiplier(_names(path)), updates
        )

    return optax.stateless(update)


def _multiplier(
    path: tuple[str, ...], config: OptimConfig, group: GroupConfig, factors: Mapping[str, float]
) -> float:
    special = {
        'bias': config.bias_multiplier * group.bias_multiplier,
        LOG_VARIANCE: config.log_variance_multiplier,
    }
    factor = next((factors[name] for name in path if name in factors), 1.0)
    return factor * special.get(path[-1], 1.0)


def _is_weight(params: optax.Params) -> optax.Params:
    return jax.tree_util.tree_map_with_path(
        lambda path, _: _names(path)[-1] not in ('bias', LOG_VARIANCE), params
    )


def _names(path: tuple) -> tuple[str, ...]:
    return tuple(entry.key for entry in path)
