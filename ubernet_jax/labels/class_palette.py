"""Which palette the classes of a label are drawn in."""

import numpy as np

from ubernet_jax.visualize.palette import SAFE_PALETTE, VOC_PALETTE
from ubernet_jax.visualize.style import Style

VOC_CLASSES = (
    'background', 'aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair',
    'cow', 'diningtable', 'dog', 'horse', 'motorbike', 'person', 'pottedplant', 'sheep', 'sofa',
    'train', 'tvmonitor',
)  # fmt: skip


def choose_palette(classes: tuple[str, ...], style: Style) -> np.ndarray:
    """Returns the colours of class indices, uint8 (256, 3).

    Only the classes of PASCAL VOC have colours by convention, which `style.safe_colours` replaces.
    """
    conventional = classes == VOC_CLASSES and not style.safe_colours
    return VOC_PALETTE if conventional else SAFE_PALETTE


def palette_fields(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the names of the fields of `Style` that `choose_palette` depends on."""
    return ('safe_colours',) if classes == VOC_CLASSES else ()
