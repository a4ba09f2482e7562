"""What the detector is trained on: labelled boxes, samples drawn around them, and what it says.

Shape letters: N images, M slots for boxes, S boxes sampled of an image, K classes.
"""

import jax
from flax import struct


@struct.dataclass
class BoxTargets:
    """The boxes that a micro-batch is trained on, in a fixed number of slots.

    Attributes:
      corners: float32 (N, M, 4); zeros where there is no box.
      classes: uint8 (N, M), 1..C-1; 0 where there is no box.
      valid: bool (N, M): a box, and not a difficult one.
    """

    corners: jax.Array
    classes: jax.Array
    valid: jax.Array


@struct.dataclass
class BoxSamples:
    """Boxes drawn from one image, or from N with one more axis in front, to train the detector on.

    Attributes:
      boxes: float32 (S, 4).
      indices: int32 (S,), into the boxes given.
      classes: int32 (S,), the class each should get; 0 is background.
      deltas: float32 (S, 4), how each should move, of classes above 0.
      chosen: bool (S,); False is padding.
    """

    boxes: jax.Array
    indices: jax.Array
    classes: jax.Array
    deltas: jax.Array
    chosen: jax.Array


@struct.dataclass
class SampledOutputs:
    """What one of the detector's two stages predicts of its samples, and what it should.

    Attributes:
      scores: float32 (N, S, K), of K classes.
      deltas: float32 (N, S, 4), of the true class.
      samples: with N in front.
    """

    scores: jax.Array
    deltas: jax.Array
    samples: BoxSamples
