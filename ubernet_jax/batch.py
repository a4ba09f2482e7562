"""A micro-batch, on the host or the device: what a training step takes.

Shape letters: N images of a batch, H x W pixels.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct


@struct.dataclass
class Batch:
    """Images padded to one bucket size: a micro-batch, all of one dataset, or several in a row.

    Attributes:
      image: uint8 (N, H, W, 3), RGB, each in the upper left; H and W are of the form 32k+1.
      image_sizes: int32 (N, 2), height and width of each image without its padding; 0 of no image.
      targets: task name -> what its loss compares with, in the smallest type: see `Task`. On the
        host of the tasks that some image is labelled for, on the device of all.
      labelled: task name -> bool (N,), of the same tasks; where False the target is padding.
    """

    image: jax.Array
    image_sizes: jax.Array
    targets: Mapping[str, Any]
    labelled: Mapping[str, jax.Array]

    @property
    def valid(self) -> jax.Array:
        """bool (N, H, W); False on padding."""
        height, width = self.image.shape[1:3]
        rows = jnp.arange(height)[None] < self.image_sizes[:, :1]
        columns = jnp.arange(width)[None] < self.image_sizes[:, 1:]
        return rows[:, :, None] & columns[:, None]
