"""Every structure that flows through the package, with shapes, dtypes and units.

Shape letters: N images of a micro-batch, H x W pixels, C classes, A annotators.
"""

import dataclasses
from collections.abc import Mapping

import jax
import numpy as np
from flax import struct


@dataclasses.dataclass(slots=True, kw_only=True)
class Example:
    """One image with whatever labels it has, at its original size, on the host.

    Attributes:
      id: unique within its dataset; named in every error about this image.
      image: uint8 (H, W, 3), RGB.
      labels: task name -> array as `tasks.LabelKind` says; an absent key means "not labelled".
      annotators: uint8 (A, H, W), 0 or 1: each annotator's boundaries, where they are kept apart.
    """

    id: str
    image: np.ndarray
    labels: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    annotators: np.ndarray | None = None


@struct.dataclass
class Batch:
    """A micro-batch: images of one dataset, padded to one bucket size.

    Attributes:
      image: uint8 (N, H, W, 3), RGB; H and W are of the form 32k+1.
      valid: bool (N, H, W); False on padding.
      targets: task name -> int32 (N, H, W) class index with VOID, or float32 (N, H, W, 3) unit
        vectors with zeros; every task of the network is present, whether labelled or not.
      labelled: task name -> bool (N,); False means that targets there are meaningless filler.
    """

    image: jax.Array
    valid: jax.Array
    targets: Mapping[str, jax.Array]
    labelled: Mapping[str, jax.Array]


@dataclasses.dataclass(slots=True, kw_only=True)
class Predictions:
    """Results for one image at its original size; None where a task was not asked for.

    Attributes:
      boundaries: float32 (H, W), probability of a boundary, 0..1.
      normals: float32 (H, W, 3), unit vectors; x right, y up, z towards the camera.
      saliency: float32 (H, W), probability of being salient, 0..1.
      segmentation: uint8 (H, W), class index.
      parts: uint8 (H, W), class index.
      semantic_boundaries: uint8 (H, W), the likeliest class of boundary at each pixel, 1..C-1.
      semantic_boundary_strength: float32 (H, W), that class's probability, 0..1.
    """

    boundaries: np.ndarray | None = None
    normals: np.ndarray | None = None
    saliency: np.ndarray | None = None
    segmentation: np.ndarray | None = None
    parts: np.ndarray | None = None
    semantic_boundaries: np.ndarray | None = None
    semantic_boundary_strength: np.ndarray | None = None

    def arrays(self) -> dict[str, np.ndarray]:
        """Field name -> array, of those that are not None."""
        pairs = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name: array for name, array in pairs if array is not None}
