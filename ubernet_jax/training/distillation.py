"""Features of the teachers: the trunk learns to predict them (Li and Bilen, arXiv 2007.06889).

A teacher is a network that was trained for a single task. An adaptor of the task, a linear map
without bias for each skip, maps the student's skips to those of the teacher. The loss of an image
is the mean over the skips of `feature_distance`. These are all skips of the finest pyramid level
that are trained: together they are what the heads receive, which in the paper is a single array.

Adaptors belong to the parameter groups of their tasks and are only used in training.
"""

import jax
import jax.numpy as jnp
from flax import struct

from ubernet_jax.batch import Batch
from ubernet_jax.losses.distillation import feature_distance
from ubernet_jax.models.pyramid import Features
from ubernet_jax.models.trunks import TRUNKS
from ubernet_jax.network import SHARED, Network, Params
from ubernet_jax.ops.custom_vjp.loss import with_gradient
from ubernet_jax.ops.interpolate import subsample

ADAPTORS = 'adaptors'  # in the parameter group of a task: tap -> kernel (C, C)


@struct.dataclass
class Teacher:
    """The trunk of a teacher; nothing of it changes.

    Attributes:
      network: the trunk, without heads.
      digest: identity of the complete network, see `digest_arrays`.
      params: the group `shared`.
      batch_stats: running statistics of the skips.
    """

    network: Network = struct.field(pytree_node=False)
    digest: str = struct.field(pytree_node=False)
    params: dict
    batch_stats: dict

    def skips(self, batch: Batch[jax.Array]) -> dict[str, jax.Array]:
        """Returns the normalised skips (N, h, w, C) of the finest level by tap, as in inference."""
        features, _ = self.network.features(self.params, self.batch_stats, batch.image, batch.valid)
        return features.levels[0]


def distill_gradients(
    network: Network,
    name: str,
    teacher: Teacher,
    adaptors: dict[str, jax.Array],
    features: Features,
    batch: Batch[jax.Array],
) -> tuple[jax.Array, dict[str, jax.Array], Features]:
    """The loss of a task's teacher, forward and backward.

    Args:
      network: the student.
      name: of the task.
      teacher: of the task.
      adaptors: of the task.
      features: of the student at the branch point.
      batch: the micro-batch; only images that are labelled for the task count.

    Returns:
      The losses of the images (N,) without weights, and the gradients of the weighted loss with
      respect to the adaptors and to the features. A taught label has its `taught_weight`.
    """
    task, labelled = network.tasks[name], batch.labelled[name]
    strides = TRUNKS[network.config.trunk].trained_taps(network.config)
    counted = batch.valid & labelled.reshape(-1, 1, 1)
    wanted = teacher.skips(batch)

    def distance(tap: str, mapped: jax.Array) -> jax.Array:
        positions = subsample(counted, strides[tap])
        return with_gradient(lambda x: feature_distance(x, wanted[tap], positions))(mapped)

    def loss(adaptors: dict[str, jax.Array], features: Features) -> jax.Array:
        skips = features.levels[0]
        mapped = {tap: _apply(kernel, skips[tap]) for tap, kernel in adaptors.items()}
        return jnp.stack([distance(tap, x) for tap, x in mapped.items()]).mean(0)

    losses, pull_back = jax.vjp(loss, adaptors, features)
    weights = task.distill_weight * jnp.where(batch.taught[name], task.taught_weight, 1)
    return losses, *pull_back(weights.astype(losses.dtype))


def _apply(kernel: jax.Array, skip: jax.Array) -> jax.Array:
    """Maps a skip (N, h, w, c) linearly to (N, h, w, C), float32."""
    return jnp.matmul(skip, kernel.astype(skip.dtype), preferred_element_type=jnp.float32)


def add_adaptors(network: Network, params: Params, batch_stats: dict) -> Params:
    """Adds an adaptor, initially the identity, to the group of every task that has a teacher."""
    names = [name for name, task in network.tasks.items() if task.distill_from]
    if not names:
        return params
    side = network.grid.side(1)
    image, valid = jnp.zeros((1, side, side, 3), jnp.uint8), jnp.ones((1, side, side), bool)
    features, _ = jax.eval_shape(network.features, params[SHARED], batch_stats, image, valid)
    taps = TRUNKS[network.config.trunk].trained_taps(network.config)
    widths = {tap: features.levels[0][tap].shape[-1] for tap in taps}
    return join_adaptors(
        params,
        {name: {ADAPTORS: {tap: jnp.eye(c) for tap, c in widths.items()}} for name in names},
    )


def split_adaptors(params: Params) -> tuple[Params, Params]:
    """Returns the parameters without adaptors, and the adaptors by task, for `join_adaptors`."""
    rest = {
        name: {key: tree for key, tree in group.items() if key != ADAPTORS}
        for name, group in params.items()
    }
    adaptors = {
        name: {ADAPTORS: group[ADAPTORS]} for name, group in params.items() if ADAPTORS in group
    }
    return rest, adaptors


def join_adaptors(params: Params, adaptors: Params) -> Params:
    """The inverse of `split_adaptors`."""
    return {name: {**group, **adaptors.get(name, {})} for name, group in params.items()}
