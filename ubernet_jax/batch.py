"""A micro-batch of images with targets, on the host or on a device: the input of a training step.

Shape letters: N images of a batch, H x W pixels.
"""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

ArrayT = TypeVar('ArrayT', bound=np.ndarray | jax.Array)  # host arrays, or arrays of devices


class Batch(struct.PyTreeNode, Generic[ArrayT]):
    """Images padded to one bucket size: a micro-batch of one dataset, or several concatenated.

    `Batch[np.ndarray]` is a batch on the host, `Batch[jax.Array]` a batch on devices.

    Attributes:
      image: uint8 (N, H, W, 3), RGB, each in the upper left; H and W are those of a bucket.
      image_sizes: int32 (N, 2), height and width of each image without its padding; 0 where there
        is no image.
      scales: float32 (N, 2), vertical and horizontal pixels of each image per pixel of its
        photograph; 1 where there is no image.
      targets: task name -> what its loss compares with, in the smallest type: see `Task`. On the
        host, only for the tasks that some image is labelled for; on devices, for all tasks. In
        between, `training.packing` joins equal targets of several tasks.
      labelled: task name -> bool (N,), for the same tasks; where False, the target is padding.
      taught: task name -> bool (N,), for the same tasks; whether the label was predicted by a
        teacher.
      kept: name -> kept activations float16 (N, ...) of the frozen blocks; empty if none are kept.
    """

    image: ArrayT
    image_sizes: ArrayT
    scales: ArrayT
    targets: Mapping[str, Any]
    labelled: Mapping[str, ArrayT]
    taught: Mapping[str, ArrayT]
    kept: Mapping[str, ArrayT] = struct.field(default_factory=dict)

    @property
    def valid(self) -> jax.Array:
        """bool (N, H, W); False on padding."""
        height, width = self.image.shape[1:3]
        rows = jnp.arange(height)[None] < self.image_sizes[:, :1]
        columns = jnp.arange(width)[None] < self.image_sizes[:, 1:]
        return rows[:, :, None] & columns[:, None]
