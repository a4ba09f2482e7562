"""Plain differentiation of the sum of all losses, as a baseline."""

import jax

from ubernet_jax.batch import Batch
from ubernet_jax.network import SHARED, Params
from ubernet_jax.training.settings import StepSettings


def plain_gradients(
    settings: StepSettings,
    params: Params,
    batch_stats: dict,
    batch: Batch,
    rng: jax.Array,
) -> tuple[Params, dict[str, jax.Array]]:
    """(gradient sums, losses), like `task_gradients.compute_gradients` with the same arguments."""
    network = settings.network
    valid, head_rng = batch.valid, jax.random.fold_in(rng, 1)

    def total(params: Params) -> tuple[jax.Array, dict[str, jax.Array]]:
        features, _ = network.features(params[SHARED], batch_stats, batch.image, valid, rng)
        losses = {}
        for name, task in network.tasks.items():
            target, head = batch.targets[name], network.head(name)
            outputs = task.outputs(
                head,
                params[name],
                features,
                target,
                batch.image_sizes,
                batch.scales,
                head_rng,
            )
            losses[name] = task.loss(outputs, target, valid, batch.labelled[name]).sum()
        return sum(network.tasks[name].weight * loss for name, loss in losses.items()), losses

    return jax.grad(total, has_aux=True)(params)
