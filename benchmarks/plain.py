"""Plain differentiation of the sum of all losses: what one would write without this project."""

import jax

from ubernet_jax.config import Config
from ubernet_jax.losses import task_loss
from ubernet_jax.models.ubernet import SHARED, Params, UberNet
from ubernet_jax.structs import Batch


def plain_gradients(
    network: UberNet,
    config: Config,
    params: Params,
    batch_stats: dict,
    batch: Batch,
    rng: jax.Array,
) -> tuple[Params, dict[str, jax.Array]]:
    """(gradient sums, losses), like `step.compute_gradients` with the same arguments."""
    head_rng = jax.random.fold_in(rng, 1)

    def total(params: Params) -> tuple[jax.Array, dict[str, jax.Array]]:
        features, _ = network.features(params[SHARED], batch_stats, batch.image, batch.valid, rng)
        losses = {}
        for name, task in network.tasks.items():
            outputs = network.outputs(name, params[name], features, batch, head_rng)
            losses[name] = task_loss(task, outputs, batch, config.loss)
        return sum(config.tasks[name].weight * loss for name, loss in losses.items()), losses

    return jax.grad(total, has_aux=True)(params)
