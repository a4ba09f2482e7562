"""The plan of a run on the complete official datasets, as docs/paper.md has it."""

import pytest

from benchmarks import plan
from helpers.commands import call_main
from helpers.paths import ROOT
from ubernet_jax.config import DatasetConfig

# ml_collections warns when it loads a config file.
pytestmark = pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')


def test_the_official_counts_of_images_and_labels():
    dataset = plan.official_dataset(DatasetConfig(name='voc2012', split='train'))
    boxes, masks = dataset.labelled['detection'], dataset.labelled['segmentation']
    assert (len(dataset), boxes.sum(), masks.sum()) == (6028, 5717, 1464)
    assert (boxes | masks).all() and (masks & ~boxes).sum() == 311
    dataset = plan.official_dataset(DatasetConfig(name='nyudv2_gupta', split='train'))
    assert len(dataset) == dataset.labelled['normals'].sum() == 795


@pytest.mark.parametrize('union', ['with_val', 'without_val'])
def test_the_page_on_the_paper_has_the_output_of_the_command(union, capsys):
    call_main(plan.main, ROOT / f'configs/ubernet.py:{union}')
    page = (ROOT / 'docs/paper.md').read_text()
    command = f'```\npython -m benchmarks.plan configs/ubernet.py:{union}\n```\n\n'
    assert f'{command}```\n{capsys.readouterr().out}```\n' in page
