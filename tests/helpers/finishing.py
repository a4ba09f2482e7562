"""The result of one image, from the output of the network."""

from typing import Any

import jax
import numpy as np

from ubernet_jax.inference.predictor import Purpose
from ubernet_jax.tasks import Task


def finish_one(
    task: Task,
    output: np.ndarray,
    size: tuple[int, int],
    image_size: tuple[int, int],
    purpose: Purpose = Purpose.RESULT,
) -> Any:
    """Computes a result on the device, and composes it on the host.

    Args:
      task: the task.
      output: of the network for the image, without the axis of the batch.
      size: (height, width) at which the image entered the network.
      image_size: original (height, width) of the image.
      purpose: what the result is for.
    """
    batch = jax.tree.map(lambda x: x[None], output)
    finished = purpose.finish(task)(batch, size, np.int32([image_size]))
    arrays = jax.tree.map(lambda x: np.asarray(x[0]), finished)
    return purpose.compose(task)(arrays, size, image_size)
