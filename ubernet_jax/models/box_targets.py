"""Training data of the detector: labelled boxes, samples drawn around them, and predictions.

Shape letters: N images, M slots for boxes, S boxes sampled per image, K classes.
"""

from typing import Generic

import jax
from flax import struct

from ubernet_jax.batch import ArrayT


class BoxTargets(struct.PyTreeNode, Generic[ArrayT]):
    """The labelled boxes of a micro-batch, in a fixed number of slots, on the host or a device.

    Attributes:
      corners: float32 (N, M, 4); zeros in empty slots.
      classes: uint8 (N, M), 1..C-1; 0 in empty slots.
      valid: bool (N, M); False in empty slots and for difficult boxes.
      ignored: bool (N, M), boxes that may be objects: what overlaps with them is not trained on as
        background. None if there are none.
    """

    corners: ArrayT
    classes: ArrayT
    valid: ArrayT
    ignored: ArrayT | None = None


class BoxSamples(struct.PyTreeNode):
    """Boxes drawn from one image to train the detector on; from N images with an axis in front.

    Attributes:
      boxes: float32 (S, 4).
      indices: int32 (S,), indices of the samples among the candidate boxes.
      classes: int32 (S,), true class of each sample; 0 is background.
      deltas: float32 (S, 4), true deltas of the samples whose class is above 0.
      valid: bool (S,); False is padding.
    """

    boxes: jax.Array
    indices: jax.Array
    classes: jax.Array
    deltas: jax.Array
    valid: jax.Array


class SampledOutputs(struct.PyTreeNode):
    """Predictions of a detector stage for its samples, with the samples' targets.

    Attributes:
      scores: float32 (N, S, K), scores of K classes.
      deltas: float32 (N, S, 4), predicted deltas of the true class.
      samples: the samples, with N in front.
    """

    scores: jax.Array
    deltas: jax.Array
    samples: BoxSamples
