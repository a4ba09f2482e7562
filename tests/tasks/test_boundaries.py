"""Boundaries: the protocol of the benchmark's label decides how they are scored."""

import pytest

from ubernet_jax.datasets.builders.registry import BUILDERS
from ubernet_jax.errors import UserError
from ubernet_jax.labels import Lines, SoftMask, from_json
from ubernet_jax.metrics.nms import Nms
from ubernet_jax.tasks import Boundaries


def tolerance_and_nms(kinds: dict) -> tuple[float, Nms]:
    (metric,) = Boundaries().metrics('edges', 5, kinds).values()
    return metric.max_distance, metric.nms


def test_the_protocol_is_that_of_the_label_of_the_task():
    nyud = BUILDERS['nyud_mt'].labels['boundaries']
    assert tolerance_and_nms({'edges': nyud}) == (0.011, Nms.UNSMOOTHED)
    assert tolerance_and_nms({'edges': Lines()}) == (0.0075, Nms.SMOOTHED)
    assert tolerance_and_nms({'edges': SoftMask(), 'other': nyud}) == (0.0075, Nms.SMOOTHED)


def test_a_folder_can_name_the_protocol():
    lines = from_json({'kind': 'lines', 'protocol': 'nyud_mt'}, 'labels.json')
    assert lines == Lines(protocol='nyud_mt') and from_json(lines.to_json(), 'copy') == lines
    with pytest.raises(UserError, match=r"labels\.json.*'bsds'.*bsds500, nyud_mt"):
        from_json({'kind': 'lines', 'protocol': 'bsds'}, 'labels.json')
