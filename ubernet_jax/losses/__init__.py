"""What each task is trained on: one loss a labelled image, summed over the micro-batch."""

import jax

from ubernet_jax.config import LossConfig
from ubernet_jax.losses.dense import dense_loss
from ubernet_jax.losses.detection import detection_loss
from ubernet_jax.structs import Batch, Outputs
from ubernet_jax.tasks import LossKind, Task


def task_loss(
    task: Task,
    outputs: Outputs,
    batch: Batch,
    config: LossConfig,
    scale_weight: jax.Array | float = 1.0,
) -> jax.Array:
    """Sum over the labelled images of one task's loss, a scalar.

    Args:
      task: the row of the task table.
      outputs: of the task's head in training.
      batch: its targets, and which images have them.
      config: constants of the losses.
      scale_weight: of the single scales' score maps; that of the fused one is 1.
    """
    labelled = batch.labelled[task.name]
    if task.loss is LossKind.DETECTION:
        return detection_loss(outputs, labelled, config)
    target = batch.targets[task.name]
    return dense_loss(task, outputs, target, batch.valid, labelled, config, scale_weight)
