"""The benchmark of what taught labels cost: its cases, and a short run of a narrow network."""

import pytest

from benchmarks import taught
from benchmarks.workload import SEVEN, make_config
from ubernet_jax.config import Initialisation, ModelConfig


def test_the_datasets_of_the_paper_label_all_tasks_together_and_none_alone():
    labelled = [set(names) for names in taught.label_sets()]
    assert set().union(*labelled) == set(SEVEN) not in labelled


@pytest.mark.slow
def test_time_memory_and_bytes_are_reported():
    model = ModelConfig(width=1 / 32, scales=1, initialisation=Initialisation.RANDOM)
    config = make_config(('normals', 'saliency'), model=model)
    report = taught.measure(config, [('normals',), ('saliency',)], (33, 33), 1)
    assert list(report['seconds']) == ['normals', 'saliency', 'normals, saliency']
    assert report['temporary_mib'] > 0 < report['growth']['seconds']
    assert 1 < report['growth']['sent'] < 2
