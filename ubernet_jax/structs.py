"""Every structure that flows through the package, with shapes, dtypes and units.

Shape letters: N images of a batch, H x W pixels, C classes, A annotators, B boxes of an
image, M places for boxes, S boxes sampled of an image, D detections.

A box is x1, y1, x2, y2 in pixels from the upper left corner of the image; x2 and y2 are exclusive:
its width is x2 - x1.
"""

import dataclasses
from collections.abc import Mapping

import jax
import numpy as np
from flax import struct


@dataclasses.dataclass(slots=True, kw_only=True)
class Boxes:
    """The things in one image, on the host; none at all is a label too.

    Attributes:
      corners: float32 (B, 4), within the image.
      classes: uint8 (B,), class index, 1..C-1.
      difficult: bool (B,); these are neither trained on nor counted (PASCAL VOC).
    """

    corners: np.ndarray
    classes: np.ndarray
    difficult: np.ndarray

    def __len__(self) -> int:
        return len(self.corners)

    def __getitem__(self, chosen: np.ndarray) -> 'Boxes':
        """Those of an index array or a mask (B,)."""
        return Boxes(
            corners=self.corners[chosen],
            classes=self.classes[chosen],
            difficult=self.difficult[chosen],
        )

    def areas(self) -> np.ndarray:
        """float32 (B,), in pixels."""
        return (self.corners[:, 2:] - self.corners[:, :2]).prod(axis=1)


@dataclasses.dataclass(slots=True, kw_only=True)
class Example:
    """One image with whatever labels it has, at its original size, on the host.

    Attributes:
      id: unique within its dataset; named in every error about this image.
      image: uint8 (H, W, 3), RGB.
      labels: task name -> array or `Boxes`, as `tasks.LabelKind` says; an absent key means "not
        labelled".
      annotators: uint8 (A, H, W), 0 or 1: each annotator's boundaries, where they are kept apart.
    """

    id: str
    image: np.ndarray
    labels: dict[str, np.ndarray | Boxes] = dataclasses.field(default_factory=dict)
    annotators: np.ndarray | None = None


@struct.dataclass
class BoxTargets:
    """The boxes that a micro-batch is trained on, in a fixed number of places.

    Attributes:
      corners: float32 (N, M, 4); zeros where there is no box.
      classes: int32 (N, M), 1..C-1; 0 where there is no box.
      valid: bool (N, M): a box, and not a difficult one.
    """

    corners: jax.Array
    classes: jax.Array
    valid: jax.Array


@struct.dataclass
class Batch:
    """Images padded to one bucket size: a micro-batch, all of one dataset, or several in a row.

    Attributes:
      image: uint8 (N, H, W, 3), RGB; H and W are of the form 32k+1.
      valid: bool (N, H, W); False on padding.
      targets: task name -> int32 (N, H, W) class index with VOID, float32 (N, H, W, 3) unit vectors
        with zeros, or `BoxTargets`; every task of the network is present, whether labelled or not.
      labelled: task name -> bool (N,); False means that targets there are meaningless filler.
    """

    image: jax.Array
    valid: jax.Array
    targets: Mapping[str, jax.Array | BoxTargets]
    labelled: Mapping[str, jax.Array]


@struct.dataclass
class BoxSamples:
    """Boxes drawn from one image, or from N with one more axis in front, to train the detector on.

    Attributes:
      boxes: float32 (S, 4).
      indices: int32 (S,), their places among the boxes given.
      classes: int32 (S,), the class each should get; 0 is background.
      deltas: float32 (S, 4), how each should move, of classes above 0.
      chosen: bool (S,); False is filler.
    """

    boxes: jax.Array
    indices: jax.Array
    classes: jax.Array
    deltas: jax.Array
    chosen: jax.Array


@struct.dataclass
class Stage:
    """What one of the detector's two stages says of its samples, and what it should say.

    Attributes:
      scores: float32 (N, S, K), of K classes.
      deltas: float32 (N, S, 4), of the true class.
      samples: with N in front.
    """

    scores: jax.Array
    deltas: jax.Array
    samples: BoxSamples


# What a head gives in training: score maps, or the two stages of the detector.
Outputs = list[jax.Array] | tuple[Stage, Stage]


@dataclasses.dataclass(slots=True, kw_only=True)
class Detections:
    """The things found in one image, surest first.

    Attributes:
      corners: float32 (D, 4), in pixels of the original image.
      classes: uint8 (D,), class index, 1..C-1.
      scores: float32 (D,), 0..1.
    """

    corners: np.ndarray
    classes: np.ndarray
    scores: np.ndarray


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
      detection: the things found.
    """

    boundaries: np.ndarray | None = None
    normals: np.ndarray | None = None
    saliency: np.ndarray | None = None
    segmentation: np.ndarray | None = None
    parts: np.ndarray | None = None
    semantic_boundaries: np.ndarray | None = None
    semantic_boundary_strength: np.ndarray | None = None
    detection: Detections | None = None

    def arrays(self) -> dict[str, np.ndarray]:
        """Field name -> array, of those that are not None; `detection_corners` and so on."""
        arrays = {}
        for field in dataclasses.fields(Predictions):
            value = getattr(self, field.name)
            if isinstance(value, Detections):
                parts = dataclasses.asdict(value)
                arrays |= {f'{field.name}_{part}': array for part, array in parts.items()}
            elif value is not None:
                arrays[field.name] = value
        return arrays
