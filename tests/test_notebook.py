"""The notebook in docs/: its code runs, and no large output is stored in it."""

import json
import os

import pytest
from PIL import Image

from helpers.paths import ROOT

NOTEBOOK = ROOT / 'docs' / 'first_network.ipynb'


def test_no_large_output_is_stored():
    assert NOTEBOOK.stat().st_size < 200_000


@pytest.mark.slow
def test_the_notebook_runs(tmp_path, monkeypatch):
    """Its code cells in order in one namespace, with fewer steps."""
    monkeypatch.chdir(tmp_path)
    cells = json.loads(NOTEBOOK.read_text())['cells']
    sources = [''.join(cell['source']) for cell in cells if cell['cell_type'] == 'code']
    assert sum('STEPS = 240\n' in source for source in sources) == 1
    namespace = {}
    for source in sources:
        exec(source.replace('STEPS = 240\n', 'STEPS = 2\n'), namespace)
    assert {'segmentation', 'parts'} == set(namespace['net'].tasks) == set(namespace['out'])
    with Image.open(os.path.join('first_network', 'results', 'sheet.png')) as sheet:
        assert sheet.format == 'PNG'
