"""Scores that the paper reports (arXiv 1609.02132, tables of section 4), for its benchmarks only.

Quoted from memory, not yet checked against the paper; the scores of semantic boundaries are the
least certain. The scores of normals are those with loss weight 1, for both networks. Segmentation
is missing because the paper's test set has no public labels.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Scores of the paper on one benchmark, in the units of this package's scores.

    Attributes:
      images: number of images in the paper's test set.
      protocol: entries that a result's protocol must have to be comparable with the paper.
      one_task: scores by name of the network trained for this task only.
      seven_tasks: scores by name of the network trained for all seven tasks.
    """

    images: int
    protocol: Mapping[str, Any]
    one_task: Mapping[str, float]
    seven_tasks: Mapping[str, float]


ANGLES = ('mean', 'median', 'below_11_25', 'below_22_5', 'below_30')

# Keys: name of the result of `evaluate`, for tasks named as in `tasks.PAPER`; dataset; split.
PUBLISHED: Mapping[tuple[str, str, str], Published] = {
    ('detection_voc07', 'voc2007', 'test'): Published(
        images=4952,
        protocol={'ap': 'VOC07'},
        one_task={'map': 0.787},
        seven_tasks={'map': 0.778},
    ),
    ('parts', 'person_part', 'val'): Published(
        images=1817,
        protocol={'classes': 7},
        one_task={'miou': 0.5198},
        seven_tasks={'miou': 0.4882},
    ),
    ('semantic_boundaries', 'sbd', 'val'): Published(
        images=2857,
        protocol={'mode': 'pre-SEAL', 'thresholds': '99, 0.01 to 0.99'},
        one_task={'ods': 0.597, 'ap': 0.543},
        seven_tasks={'ods': 0.482, 'ap': 0.443},
    ),
    ('saliency', 'pascal_s', 'test'): Published(
        images=850,
        protocol={'beta_squared': 0.3, 'normalise': None},
        one_task={'max_f': 0.835},
        seven_tasks={'max_f': 0.823},
    ),
    ('boundaries', 'bsds500', 'test'): Published(
        images=200,
        protocol={
            'thresholds': '99, 0.01 to 0.99',
            'max_distance': '0.0075 of the diagonal',
            'nms': 'smoothed',
        },
        one_task={'ods': 0.791, 'ois': 0.809, 'ap': 0.849},
        seven_tasks={'ods': 0.785, 'ois': 0.805, 'ap': 0.837},
    ),
    ('normals', 'nyudv2', 'test'): Published(
        images=654,
        protocol={},
        one_task=dict(zip(ANGLES, (23.9, 18.1, 29.8, 59.7, 71.9), strict=True)),
        seven_tasks=dict(zip(ANGLES, (26.7, 22.0, 24.2, 52.0, 65.9), strict=True)),
    ),
}
