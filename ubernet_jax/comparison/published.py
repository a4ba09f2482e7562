"""The paper's own scores (arXiv 1609.02132, tables of section 4), for its benchmarks only.

As recalled, not yet checked against the paper; those of semantic boundaries least certainly. Both
networks' normals are those of the loss weight 1. Segmentation is not here: the paper's test set has
no public labels.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ubernet_jax.comparison.runs import Benchmark, Scored


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Scores of the paper on one benchmark, in the units of ours.

    Attributes:
      benchmark: the paper's test set, by the name it has here.
      images: of that set.
      protocol: what a protocol must say to be the paper's.
      one_task: scores of the network trained for this task alone,
      seven_tasks: and of the network for all.
    """

    benchmark: Benchmark
    images: int
    protocol: Mapping[str, Any]
    one_task: Mapping[str, float]
    seven_tasks: Mapping[str, float]


ANGLES = ('mean', 'median', 'below_11_25', 'below_22_5', 'below_30')

PAPER = (
    Published(
        benchmark=Benchmark('detection_voc07', 'voc2007', 'test'),
        images=4952,
        protocol={'ap': 'VOC07'},
        one_task={'map': 0.787},
        seven_tasks={'map': 0.778},
    ),
    Published(
        benchmark=Benchmark('parts', 'person_part', 'val'),
        images=1817,
        protocol={'classes': 7},
        one_task={'miou': 0.5198},
        seven_tasks={'miou': 0.4882},
    ),
    Published(
        benchmark=Benchmark('semantic_boundaries', 'sbd', 'val'),
        images=2857,
        protocol={'mode': 'pre-SEAL', 'thresholds': '99, 0.01 to 0.99'},
        one_task={'ods': 0.597, 'ap': 0.543},
        seven_tasks={'ods': 0.482, 'ap': 0.443},
    ),
    Published(
        benchmark=Benchmark('saliency', 'pascal_s', 'test'),
        images=850,
        protocol={'beta_squared': 0.3, 'normalise': None},
        one_task={'max_f': 0.835},
        seven_tasks={'max_f': 0.823},
    ),
    Published(
        benchmark=Benchmark('boundaries', 'bsds500', 'test'),
        images=200,
        protocol={
            'thresholds': '99, 0.01 to 0.99',
            'max_distance': '0.0075 of the diagonal',
            'nms': 'smoothed',
        },
        one_task={'ods': 0.791, 'ois': 0.809, 'ap': 0.849},
        seven_tasks={'ods': 0.785, 'ois': 0.805, 'ap': 0.837},
    ),
    Published(
        benchmark=Benchmark('normals', 'nyudv2', 'test'),
        images=654,
        protocol={},
        one_task=dict(zip(ANGLES, (23.9, 18.1, 29.8, 59.7, 71.9), strict=True)),
        seven_tasks=dict(zip(ANGLES, (26.7, 22.0, 24.2, 52.0, 65.9), strict=True)),
    ),
)


def find_published(benchmark: Benchmark, scored: Scored) -> Published | None:
    """What the paper has on this benchmark, if its images and protocol are the paper's."""
    for published in PAPER:
        same_protocol = published.protocol.items() <= scored.protocol.items()
        if (benchmark, scored.images) == (published.benchmark, published.images) and same_protocol:
            return published
    return None
