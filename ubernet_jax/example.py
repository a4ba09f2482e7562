"""An image with its labels, on the host: what datasets yield and transforms change."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

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
