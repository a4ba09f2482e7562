"""Writing boxes into the slots of a micro-batch."""

import numpy as np

from ubernet_jax.labels.boxes import BoxSet
from ubernet_jax.models.box_targets import BoxTargets


def write_boxes(
    targets: BoxTargets[np.ndarray],
    index: int,
    boxes: BoxSet,
    flags: np.ndarray | None,
    start: int = 0,
) -> None:
    """Writes boxes into the slots of an image.

    Args:
      targets: of the micro-batch.
      index: of the image.
      boxes: no more than there are slots from `start` on.
      flags: bool (N, M), a field of `targets`; set for these boxes. None only if there are none.
      start: the first slot.
    """
    slots = slice(start, start + len(boxes))
    targets.corners[index, slots] = boxes.corners
    targets.classes[index, slots] = boxes.classes
    if flags is not None:
        flags[index, slots] = True
