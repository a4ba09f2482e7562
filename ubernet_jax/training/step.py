"""One training step: the gradients of its micro-batches, summed over devices, then the update."""

import dataclasses
import operator
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from ubernet_jax.batch import Batch
from ubernet_jax.network import Params
from ubernet_jax.tasks.teaching import distilled_name, taught_name
from ubernet_jax.training.distillation import Teacher
from ubernet_jax.training.optim import sample_counts
from ubernet_jax.training.parallel import DATA
from ubernet_jax.training.settings import StepSettings
from ubernet_jax.training.state import TrainState
from ubernet_jax.training.task_gradients import BySource, Gradients, compute_gradients
from ubernet_jax.training.trained_part import join, trained_part


class StepGradients(NamedTuple):
    """What all micro-batches of a step give.

    Attributes:
      gradients: summed; statistics are averaged.
      images: int32 scalar, images that are not padding.
      micro_batches: float32 scalar, micro-batches with any image.
    """

    gradients: Gradients
    images: jax.Array
    micro_batches: jax.Array


def sum_gradients(
    settings: StepSettings,
    mesh: Mesh,
    state: TrainState,
    batch: Batch[jax.Array],
    teachers: Mapping[str, Teacher],
) -> StepGradients:
    """`compute_gradients` of every micro-batch; each device computes its share of them.

    A micro-batch is computed as if it were alone: labels that its dataset lacks cost its device
    nothing, and no result depends on the number of devices.
    """
    share = settings.micro_batches // mesh.size
    step_key = jax.random.fold_in(state.rng, state.step)
    numbers = jnp.arange(settings.micro_batches)
    keys = jax.vmap(lambda number: jax.random.fold_in(step_key, number))(numbers)
    scale_weight = settings.scale_weight(state.step)

    def on_device(
        params: Params,
        stats: dict,
        teachers: Mapping[str, Teacher],
        scale_weight: jax.Array,
        keys: jax.Array,
        batch: Batch[jax.Array],
    ) -> StepGradients:
        micro_batches = jax.tree.map(lambda x: x.reshape(share, -1, *x.shape[1:]), batch)
        # Not a loop of XLA's: convolution gradients inside one are slow on a CPU.
        results = [
            _micro_batch_gradients(
                settings,
                params,
                stats,
                teachers,
                jax.tree.map(operator.itemgetter(number), micro_batches),
                keys[number],
                scale_weight,
            )
            for number in range(share)
        ]
        return jax.lax.psum(jax.tree.map(lambda *parts: sum(parts), *results), DATA)

    total = jax.shard_map(
        on_device,
        mesh=mesh,
        in_specs=(P(), P(), P(), P(), P(DATA), P(DATA)),
        out_specs=P(),
        check_vma=False,
    )(state.params, state.batch_stats, teachers, scale_weight, keys, batch)
    stats = jax.tree.map(lambda x: x / total.micro_batches, total.gradients.batch_stats)
    return total._replace(gradients=total.gradients._replace(batch_stats=stats))


def _micro_batch_gradients(
    settings: StepSettings,
    params: Params,
    batch_stats: dict,
    teachers: Mapping[str, Teacher],
    batch: Batch[jax.Array],
    rng: jax.Array,
    scale_weight: jax.Array,
) -> StepGradients:
    """Gradients of a micro-batch; a micro-batch of padding has statistics of zero."""
    gradients = compute_gradients(settings, params, batch_stats, batch, rng, scale_weight, teachers)
    images = (batch.image_sizes > 0).all(1).sum(dtype=jnp.int32)
    counted = (images > 0).astype(jnp.float32)
    stats = jax.tree.map(lambda x: counted * x, gradients.batch_stats)
    return StepGradients(gradients._replace(batch_stats=stats), images, counted)


@struct.dataclass
class StepMetrics:
    """What a step reports.

    Attributes:
      images: int32, images of the step.
      losses: loss sums by task, without weights; those over taught labels under `TASK (taught)`,
        and the distances from features of a teacher under `TASK (distilled)`.
      labelled: int32, labelled images, under the same names.
      updates: int32, updates so far by group.
      finite: False if any loss or gradient was not finite; the state is then unchanged.
    """

    images: jax.Array
    losses: dict[str, jax.Array]
    labelled: dict[str, jax.Array]
    updates: dict[str, jax.Array]
    finite: jax.Array


def _named(sums: Mapping[str, BySource], distilled: Mapping[str, jax.Array]) -> dict:
    """Task -> its sum over real labels; `TASK (taught)` and `TASK (distilled)` -> the others."""
    real = {name: value.real for name, value in sums.items()}
    taught = {taught_name(name): value.taught for name, value in sums.items()}
    return real | taught | {distilled_name(name): value for name, value in distilled.items()}


def train_step(
    settings: StepSettings,
    optimizer: optax.GradientTransformationExtraArgs,
    mesh: Mesh,
    state: TrainState,
    batch: Batch[jax.Array],
    teachers: Mapping[str, Teacher] = {},
) -> tuple[TrainState, StepMetrics]:
    """Advances the state by one step, unless its gradients are not finite."""
    gradients, images, _ = sum_gradients(settings, mesh, state, batch, teachers)
    losses = _named(gradients.losses, gradients.distances)
    distilled = {
        name: gradients.labelled[name].real + gradients.labelled[name].taught
        for name in gradients.distances
    }
    total_loss = sum(losses.values(), start=jnp.zeros(()))
    finite = jnp.isfinite(optax.tree.norm(gradients.sums)) & jnp.isfinite(total_loss)
    # An image without any label still counts for the trunk, as in the paper's algorithm; images
    # of padding do not.
    weighted = {
        name: count.real + settings.network.tasks[name].taught_weight * count.taught
        for name, count in gradients.labelled.items()
    }
    counts = sample_counts(settings.algorithm, weighted, images)

    trained = trained_part(settings.network.config, state.params)

    def advance(state: TrainState) -> TrainState:
        updates, groups = optimizer.update(
            gradients.sums, state.groups, state.params, counts=counts
        )
        return dataclasses.replace(
            state,
            step=state.step + 1,
            params=optax.apply_updates(state.params, updates),
            batch_stats=gradients.batch_stats,
            groups=groups,
        )

    # Frozen parameters stay outside, where nothing copies them.
    advanced = jax.lax.cond(
        finite, advance, lambda state: state, dataclasses.replace(state, params=trained)
    )
    state = dataclasses.replace(advanced, params=join(state.params, advanced.params))
    return state, StepMetrics(
        images=images,
        losses=losses,
        labelled=_named(gradients.labelled, distilled),
        updates={group: group_state.updates for group, group_state in state.groups.items()},
        finite=finite,
    )
