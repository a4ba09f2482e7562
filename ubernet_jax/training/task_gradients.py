"""Gradients of a micro-batch, in memory that does not grow with the number of tasks.

The trunk runs once. Then each task in turn: its head runs forward and backward inside a
`lax.cond`, and adds its cotangent to the sum at the branch point; a task without a label in the
micro-batch does no work at all. The sum goes back through the trunk once (paper, sections 3 and 4).
`combination` has other ways to combine the cotangents.

The `cond` is what keeps memory flat: the compiler cannot move the work of one head next to that of
another, so the activations of a head are freed before the next head starts.
"""

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ubernet_jax.batch import Batch
from ubernet_jax.losses.uncertainty import LOG_VARIANCE, uncertain_loss
from ubernet_jax.models.pyramid import Features
from ubernet_jax.network import SHARED, Params
from ubernet_jax.training.distillation import ADAPTORS, Teacher, distill_gradients
from ubernet_jax.training.settings import StepSettings
from ubernet_jax.training.trained_part import join, trained_part


class BySource(NamedTuple):
    """A sum over images, by the source of their label.

    Attributes:
      real: over the images whose label belongs to the dataset.
      taught: over the images whose label was predicted by a teacher.
    """

    real: jax.Array
    taught: jax.Array


class Gradients(NamedTuple):
    """What a micro-batch gives.

    Attributes:
      sums: gradient sums by group, of the parameters that are trained: see `trained_part`.
      labelled: counts of the images with a label by task.
      losses: loss sums over these images by task, without weights.
      distances: sums over these images of the distances from the features of a teacher, by task,
        without weights; of tasks that have a teacher.
      batch_stats: updated running statistics.
    """

    sums: Params
    labelled: dict[str, BySource]
    losses: dict[str, BySource]
    distances: dict[str, jax.Array]
    batch_stats: dict


class HeadInputs(NamedTuple):
    """What the heads of a micro-batch share.

    Attributes:
      features: at the branch point.
      batch: the micro-batch.
      valid: bool (N, H, W), see `Batch.valid`.
      rng: for the samples that a head draws.
      scale_weight: weight of the score maps of single scales, see `Task.loss`.
      teachers: whose features are distilled, by task.
    """

    features: Features
    batch: Batch[jax.Array]
    valid: jax.Array
    rng: jax.Array
    scale_weight: jax.Array | float
    teachers: Mapping[str, Teacher]


def compute_gradients(
    settings: StepSettings,
    params: Params,
    batch_stats: dict,
    batch: Batch[jax.Array],
    rng: jax.Array,
    scale_weight: jax.Array | float = 1.0,
    teachers: Mapping[str, Teacher] = {},
) -> Gradients:
    """Gradient sums of the weighted losses of all tasks, one head after another."""
    network, combination = settings.network, settings.combination
    valid = batch.valid

    def trunk(trained: dict) -> tuple:
        shared = join(params[SHARED], trained)
        return network.features(shared, batch_stats, batch.image, valid, rng, batch.kept)

    if network.is_frozen:
        (features, batch_stats), pull_back = trunk({}), None
    else:
        trained = trained_part(network.config, params)[SHARED]
        features, pull_back, batch_stats = jax.vjp(trunk, trained, has_aux=True)
    inputs = HeadInputs(features, batch, valid, jax.random.fold_in(rng, 1), scale_weight, teachers)
    cotangents = combination.init(features)
    sums, losses, distances = {}, {}, {}
    labelled = {name: _sum_by_source(batch, name, batch.labelled[name]) for name in network.tasks}
    for name in network.tasks:
        image_losses, image_distances, sums[name], cotangents = jax.lax.cond(
            batch.labelled[name].any(),
            functools.partial(_add_head, settings, name, params[name], inputs),
            functools.partial(_skip_head, name, params[name], inputs),
            cotangents,
        )
        losses[name] = _sum_by_source(batch, name, image_losses)
        distances |= {task: values.sum() for task, values in image_distances.items()}
    if pull_back is not None:
        cotangent = combination.finish(cotangents, jax.random.fold_in(rng, 2))
        cotangent = jax.tree.map(lambda x, feature: x.astype(feature.dtype), cotangent, features)
        (sums[SHARED],) = pull_back(cotangent)
    return Gradients(sums, labelled, losses, distances, batch_stats)


def _sum_by_source(batch: Batch[jax.Array], task: str, values: jax.Array) -> BySource:
    """Sums values (N,) of the images, separately for real and taught labels."""
    taught = batch.taught[task]
    return BySource(jnp.where(taught, 0, values).sum(), jnp.where(taught, values, 0).sum())


def head_gradients(
    settings: StepSettings, name: str, params: dict, inputs: HeadInputs
) -> tuple[jax.Array, dict, Features]:
    """One head forward and backward.

    Args:
      settings: of the step.
      name: of the task.
      params: of the task's group.
      inputs: of all heads.

    Returns:
      The losses of the images (N,) without weights, and the gradients of the weighted loss with
      respect to the parameters and to the features.
    """
    network, batch = settings.network, inputs.batch
    task, target, labelled = network.tasks[name], batch.targets[name], batch.labelled[name]

    def loss(params: dict, features: Features) -> tuple[jax.Array, jax.Array]:
        outputs = task.outputs(
            network.head(name),
            params,
            features,
            target,
            batch.image_sizes,
            batch.scales,
            inputs.rng,
        )
        losses = task.loss(outputs, target, inputs.valid, labelled, inputs.scale_weight)
        if settings.uncertainty:
            return uncertain_loss(losses, labelled, params[LOG_VARIANCE]), losses
        return losses, losses

    _, pull_back, losses = jax.vjp(loss, params, inputs.features, has_aux=True)
    weights = task.weight * jnp.where(batch.taught[name], task.taught_weight, 1)
    return losses, *pull_back(weights.astype(losses.dtype))


def _add_head(
    settings: StepSettings, name: str, params: dict, inputs: HeadInputs, cotangents: Any
) -> tuple[jax.Array, dict[str, jax.Array], dict, Any]:
    """A labelled task.

    Returns:
      Its losses; its distances under its name, if it has a teacher; its gradient; and the
      cotangents with its cotangent added.
    """
    losses, gradient, cotangent = head_gradients(settings, name, params, inputs)
    distances = {}
    if name in inputs.teachers:
        distances[name], adaptors, of_distance = distill_gradients(
            settings.network,
            name,
            inputs.teachers[name],
            params[ADAPTORS],
            inputs.features,
            inputs.batch,
        )
        gradient = {**gradient, ADAPTORS: adaptors}
        cotangent = jax.tree.map(jnp.add, cotangent, of_distance)
    return losses, distances, gradient, settings.combination.add(cotangents, cotangent)


def _skip_head(
    name: str, params: dict, inputs: HeadInputs, cotangents: Any
) -> tuple[jax.Array, dict[str, jax.Array], dict, Any]:
    """A task without labels: no loss, no gradient, the cotangents as they are."""
    zeros = jnp.zeros(len(inputs.batch.image))
    distances = {name: zeros} if name in inputs.teachers else {}
    return zeros, distances, jax.tree.map(jnp.zeros_like, params), cotangents
