"""One training step: gradients in memory that does not grow with the number of tasks.

The trunk runs once. Then each task in turn: its head runs forward and backward inside a
`lax.cond`, and adds its cotangent to the sum at the branch point; a task without a label in the
micro-batch does no work at all. The sum goes back through the trunk once (paper, sections 3 and 4).
`balancing` has other ways to make one cotangent of all.

The `cond` is what keeps memory flat: the compiler cannot move one head's work next to another's,
so a head's activations are gone before the next head starts.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from ubernet_jax.batch import Batch
from ubernet_jax.config import Config
from ubernet_jax.losses.uncertainty import LOG_VARIANCE, uncertain_loss
from ubernet_jax.models.pyramid import Features
from ubernet_jax.network import SHARED, Network, Params
from ubernet_jax.training.balancing import make_combination
from ubernet_jax.training.optim import sample_counts
from ubernet_jax.training.parallel import DATA
from ubernet_jax.training.state import TrainState


class Gradients(NamedTuple):
    """What one micro-batch gives.

    Attributes:
      sums: gradient sums by group.
      labelled: int32 scalars, labelled images by task.
      losses: loss sums over labelled images by task, without the task weights.
      batch_stats: updated running statistics.
    """

    sums: Params
    labelled: dict[str, jax.Array]
    losses: dict[str, jax.Array]
    batch_stats: dict


def compute_gradients(
    network: Network,
    config: Config,
    params: Params,
    batch_stats: dict,
    batch: Batch,
    rng: jax.Array,
    scale_weight: jax.Array | float = 1.0,
) -> Gradients:
    """Gradient sums of the weighted losses of all tasks, one branch after another.

    `scale_weight` is the weight of the single scales' score maps, see `Task.loss`.
    """
    valid = batch.valid
    dropout_rng, head_rng = rng, jax.random.fold_in(rng, 1)

    def trunk(shared: dict) -> tuple:
        return network.features(shared, batch_stats, batch.image, valid, dropout_rng)

    features, pull_back, batch_stats = jax.vjp(trunk, params[SHARED], has_aux=True)
    combination = make_combination(config)
    cotangents = combination.init(features)
    sums, losses, labelled = {}, {}, {}
    for name, task in network.tasks.items():

        def loss(head: dict, features: Features, name: str = name, task=task) -> tuple:
            target, image_sizes = batch.targets[name], batch.image_sizes
            outputs = task.outputs(
                network.head(name), head, features, target, image_sizes, head_rng
            )
            value = task.loss(outputs, target, valid, batch.labelled[name], scale_weight)
            if config.loss.uncertainty:
                return uncertain_loss(value, labelled[name], head[LOG_VARIANCE]), value
            return value, value

        def branch(cotangents: Any, loss=loss, name: str = name) -> tuple:
            _, pull, value = jax.vjp(loss, params[name], features, has_aux=True)
            head_sum, own = pull(jnp.asarray(config.tasks[name].weight, value.dtype))
            return value, head_sum, combination.add(cotangents, own)

        def skip(cotangents: Any, name: str = name) -> tuple:
            return jnp.zeros(()), jax.tree.map(jnp.zeros_like, params[name]), cotangents

        labelled[name] = batch.labelled[name].sum(dtype=jnp.int32)
        losses[name], sums[name], cotangents = jax.lax.cond(
            labelled[name] > 0, branch, skip, cotangents
        )
    cotangent = combination.finish(cotangents, jax.random.fold_in(rng, 2))
    cotangent = jax.tree.map(lambda x, feature: x.astype(feature.dtype), cotangent, features)
    (sums[SHARED],) = pull_back(cotangent)
    return Gradients(sums, labelled, losses, batch_stats)


class StepGradients(NamedTuple):
    """What all micro-batches of a step give.

    Attributes:
      gradients: summed; statistics are averaged.
      images: int32 scalar, images that are not padding.
      micro_batches: float32 scalar, those with any image.
    """

    gradients: Gradients
    images: jax.Array
    micro_batches: jax.Array


def sum_gradients(
    network: Network, config: Config, mesh: Mesh, state: TrainState, batch: Batch
) -> StepGradients:
    """`compute_gradients` of every micro-batch; each device takes its share of them.

    A micro-batch is computed as if it were alone: what its dataset does not label costs its device
    nothing, and no result depends on the number of devices.
    """
    share = config.data.micro_batches_per_step // mesh.size
    step_key = jax.random.fold_in(state.rng, state.step)
    scale_weight = 1 - state.step / config.steps if config.loss.graduated else jnp.ones(())
    numbers = jnp.arange(config.data.micro_batches_per_step)
    keys = jax.vmap(lambda number: jax.random.fold_in(step_key, number))(numbers)

    def compute(
        params: Params, stats: dict, scale_weight: jax.Array, key: jax.Array, batch: Batch
    ) -> StepGradients:
        gradients = compute_gradients(network, config, params, stats, batch, key, scale_weight)
        images = (batch.image_sizes > 0).all(1).sum(dtype=jnp.int32)
        counted = (images > 0).astype(jnp.float32)
        weighted = jax.tree.map(lambda x: counted * x, gradients.batch_stats)
        return StepGradients(gradients._replace(batch_stats=weighted), images, counted)

    def on_device(
        params: Params, stats: dict, scale_weight: jax.Array, keys: jax.Array, batch: Batch
    ) -> StepGradients:
        parts = jax.tree.map(lambda x: x.reshape(share, -1, *x.shape[1:]), batch)
        # Not a loop of XLA's: convolution gradients inside one are slow on a CPU.
        results = [
            compute(params, stats, scale_weight, keys[n], jax.tree.map(lambda x, n=n: x[n], parts))
            for n in range(share)
        ]
        return jax.lax.psum(jax.tree.map(lambda *parts: sum(parts), *results), DATA)

    total = jax.shard_map(
        on_device,
        mesh=mesh,
        in_specs=(P(), P(), P(), P(DATA), P(DATA)),
        out_specs=P(),
        check_vma=False,
    )(state.params, state.batch_stats, scale_weight, keys, batch)
    stats = jax.tree.map(lambda x: x / total.micro_batches, total.gradients.batch_stats)
    return total._replace(gradients=total.gradients._replace(batch_stats=stats))


@struct.dataclass
class Metrics:
    """What a step reports.

    Attributes:
      images: int32, those of the step.
      losses: loss sums by task, without the task weights.
      labelled: int32, labelled images by task.
      updates: int32, updates so far by group.
      finite: False if any loss or gradient was not finite; the state is then unchanged.
    """

    images: jax.Array
    losses: dict[str, jax.Array]
    labelled: dict[str, jax.Array]
    updates: dict[str, jax.Array]
    finite: jax.Array


def train_step(
    network: Network,
    optimizer: optax.GradientTransformationExtraArgs,
    config: Config,
    mesh: Mesh,
    state: TrainState,
    batch: Batch,
) -> tuple[TrainState, Metrics]:
    """Advances the state by one step, unless its gradients are not finite."""
    gradients, images, _ = sum_gradients(network, config, mesh, state, batch)
    finite = jnp.isfinite(optax.tree.norm(gradients.sums)) & jnp.isfinite(
        sum(gradients.losses.values())
    )
    # An image without any label still counts for the trunk, as in the paper's algorithm; filler
    # images (nothing valid) do not.
    counts = sample_counts(config.optim.algorithm, gradients.labelled, images)

    def advance(state: TrainState) -> TrainState:
        updates, groups = optimizer.update(
            gradients.sums, state.groups, state.params, counts=counts
        )
        return state.replace(
            step=state.step + 1,
            params=optax.apply_updates(state.params, updates),
            batch_stats=gradients.batch_stats,
            groups=groups,
        )

    state = jax.lax.cond(finite, advance, lambda state: state, state)
    return state, Metrics(
        images=images,
        losses=gradients.losses,
        labelled=gradients.labelled,
        updates={group: group_state.updates for group, group_state in state.groups.items()},
        finite=finite,
    )
