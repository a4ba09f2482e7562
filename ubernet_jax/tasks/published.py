"""The paper's own scores (arXiv 1609.02132, tables of section 4), for its benchmarks only.

As recalled, not yet checked against the paper; those of semantic boundaries least certainly. Both
networks' normals are those of the loss weight 1. Segmentation is not here: the paper's test set has
no public labels.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Scores of the paper on one benchmark, in the units of ours.

    Attributes:
      images: of the paper's test set.
      protocol: what a protocol must say to be the paper's.
      one_task: scores, by their names, of the network trained for this task alone,
      seven_tasks: and of the network for all.
    """

    images: int
    protocol: Mapping[str, Any]
    one_task: Mapping[str, float]
    seven_tasks: Mapping[str, float]


ANGLES = ('mean', 'median', 'below_11_25', 'below_22_5', 'below_30')

# By the result of `evaluate`, with the tasks' names of `tasks.PAPER`; dataset; split.
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
