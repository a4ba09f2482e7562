"""The two structures that flow through the package: an image with its labels, and a micro-batch.

Shape letters: N images of a batch, H x W pixels.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from ubernet_jax.labels import LabelKind


@dataclasses.dataclass(slots=True, kw_only=True)
class Example:
    """One image with whatever labels it has, at its original size, on the host.

    Attributes:
      id: unique within its dataset; named in every error about this image.
      image: uint8 (H, W, 3), RGB.
      labels: name -> label, as its kind says; an absent name means "not labelled".
      kinds: name -> kind, of these labels and maybe others of the dataset.
    """

    id: str
    image: np.ndarray
    labels: dict[str, Any] = dataclasses.field(default_factory=dict)
    kinds: Mapping[str, LabelKind] = dataclasses.field(default_factory=dict)

    def rename(self, names: Mapping[str, str]) -> 'Example':
        """With the labels that `names` (new name -> name) picks, by their new names."""
        picked = {new: old for new, old in names.items() if old in self.labels}
        return dataclasses.replace(
            self,
            labels={new: self.labels[old] for new, old in picked.items()},
            kinds={new: self.kinds[old] for new, old in picked.items()},
        )


@struct.dataclass
class Batch:
    """Images padded to one bucket size: a micro-batch, all of one dataset, or several in a row.

    Attributes:
      image: uint8 (N, H, W, 3), RGB, each in the upper left; H and W are of the form 32k+1.
      extents: int32 (N, 2), height and width of each image without its padding; 0 of no image.
      targets: task name -> what its loss compares with, in the smallest type: see `Task`. On the
        host of the tasks that some image is labelled for, on the device of all.
      labelled: task name -> bool (N,), of the same tasks; where False the target is padding.
    """

    image: jax.Array
    extents: jax.Array
    targets: Mapping[str, Any]
    labelled: Mapping[str, jax.Array]

    @property
    def valid(self) -> jax.Array:
        """bool (N, H, W); False on padding."""
        height, width = self.image.shape[1:3]
        rows = jnp.arange(height)[None] < self.extents[:, :1]
        columns = jnp.arange(width)[None] < self.extents[:, 1:]
        return rows[:, :, None] & columns[:, None]
