"""Results in the format of PASCAL VOC's development kit, which its test server takes.

Each function returns, for one image, file names below `results/VOC2012` with their content; the
contents of all images for the same file are joined. The competitions are those without limits on
the training data: comp6 (segmentation) and comp4 (detection).
"""

import io

import numpy as np

from ubernet_jax.tasks.detections import Detections
from ubernet_jax.visualize.index_mask import write_index_mask
from ubernet_jax.visualize.palette import VOC_PALETTE


def segmentation_results(image: str, classes: np.ndarray) -> dict[str, bytes]:
    """Writes a class map uint8 (H, W) as a PNG of class indices with VOC's palette."""
    buffer = io.BytesIO()
    write_index_mask(buffer, classes, VOC_PALETTE)
    return {f'Segmentation/comp6_test_cls/{image}.png': buffer.getvalue()}


def detection_results(image: str, detections: Detections) -> dict[str, bytes]:
    """Writes a line IMAGE SCORE LEFT TOP RIGHT BOTTOM for each box to the file of its class.

    Pixels are counted from 1, and the last ones belong to the box. A class without a box has an
    empty content, so that every class has a file.
    """
    lines = dict.fromkeys(detections.names[1:], '')
    for (x1, y1, x2, y2), label, score in detections:
        lines[label] += f'{image} {score:.6f} {x1 + 1:.1f} {y1 + 1:.1f} {x2:.1f} {y2:.1f}\n'
    return {f'Main/comp4_det_test_{name}.txt': text.encode() for name, text in lines.items()}
