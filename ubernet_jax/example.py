"""An image with its labels, on the host, as datasets yield it and transforms change it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ubernet_jax.labels import LabelKind


@dataclasses.dataclass(slots=True, kw_only=True)
class Example:
    """One image with the labels that it has.

    Attributes:
      id: unique within its dataset; every error about this image names it.
      image: uint8 (H, W, 3), RGB.
      labels: name -> label, of the type that its kind defines; an unlabelled image lacks the name.
      kinds: name -> kind, of these labels and maybe of other labels of the dataset.
      scale: vertical and horizontal pixels of `image` per pixel of the photograph.
      taught: names of the labels that were predicted by a teacher: see `Task.teach`.
    """

    id: str
    image: np.ndarray
    labels: dict[str, Any] = dataclasses.field(default_factory=dict)
    kinds: Mapping[str, LabelKind] = dataclasses.field(default_factory=dict)
    scale: tuple[float, float] = (1.0, 1.0)
    taught: frozenset[str] = frozenset()

    def rename(self, names: Mapping[str, str]) -> 'Example':
        """Returns the example with only the labels in `names` (new name -> name), renamed."""
        picked = {new: old for new, old in names.items() if old in self.labels}
        return dataclasses.replace(
            self,
            labels={new: self.labels[old] for new, old in picked.items()},
            kinds={new: self.kinds[old] for new, old in picked.items()},
        )
