"""Numbers of the documentation: those computed from the network, and scores of linked pages."""

import pathlib
import re

import jax
import numpy as np
import pytest

from helpers.paths import ROOT
from ubernet_jax.config.flags import load_config
from ubernet_jax.models.settings import DetectionConfig
from ubernet_jax.network import SHARED, make_network
from ubernet_jax.weights.arrays import network_shapes

# ml_collections warns when it loads a config file.
pytestmark = pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')
SCORE = re.compile(r'(?<![\d.])(?:\d*\.\d{3}|\d+\.\d°)')  # such as .762, 0.507 or 28.8°


@pytest.mark.slow
def test_the_memory_of_a_separate_task_is_that_of_the_features():
    network = make_network(load_config(str(ROOT / 'configs/ubernet.py')))
    params, stats = jax.eval_shape(network.init, jax.random.PRNGKey(0))

    def count_mebibytes(height: int, width: int) -> float:
        image = np.zeros((1, height, width, 3), np.uint8)
        valid = np.ones((1, height, width), bool)
        features = jax.eval_shape(
            lambda p, s: network.features(p, s, image, valid)[0], params[SHARED], stats
        )
        floats = [leaf for leaf in jax.tree.leaves(features) if leaf.dtype == np.float32]
        return sum(leaf.size for leaf in floats) * 4 / 2**20

    text = (ROOT / 'docs/balancing.md').read_text()
    rows = re.findall(r'^\| (\d+)x(\d+) \| (\d+) MiB \|$', text, re.MULTILINE)
    assert len(rows) == 3
    for height, width, memory in rows:
        assert round(count_mebibytes(int(height), int(width))) == int(memory)


@pytest.mark.slow
def test_the_sizes_of_exported_files():
    def count_parameters(file: str, detection: bool) -> int:
        shapes = network_shapes(load_config(str(ROOT / file)))
        return sum(
            int(np.prod(shape))
            for name, shape in shapes.items()
            if name.startswith('params/') and name.startswith('params/detection/') == detection
        )

    dense = count_parameters('configs/ubernet.py', detection=False)
    detectors = [
        count_parameters(f'configs/{name}.py', detection=True) for name in ('mini', 'ubernet')
    ]
    text = ' '.join((ROOT / 'docs/weights.md').read_text().split())
    sizes = re.search(r'take (\d+) MB .*?\((\d+) in float32\).* another (\d+).* wide, (\d+);', text)
    assert sizes
    counts = [2 * dense, 4 * dense, *(2 * count for count in detectors)]
    assert [round(count / 1e6) for count in counts] == [int(size) for size in sizes.groups()]
    assert f'{DetectionConfig().width} wide' in text


def linked_text(page: pathlib.Path, text: str) -> str:
    files = [page.parent / name for name in re.findall(r'\]\(([\w./-]+\.md)', text)]
    return '\n'.join(file.read_text() for file in files)


def test_scores_of_the_readme_are_those_of_the_linked_pages():
    readme = ROOT / 'README.md'
    rows = [line for line in readme.read_text().splitlines() if line.startswith('| [')]
    rows = [line for line in rows if '](docs/results/' in line or '](benchmarks/' in line]
    results = [line for line in rows if SCORE.search(line)]
    assert len(results) >= 2
    for row in results:
        pages = linked_text(readme, row)
        assert not [score for score in SCORE.findall(row) if score not in pages], row


def test_scores_of_the_conclusions_are_those_of_the_linked_pages():
    page = ROOT / 'docs/results.md'
    sections = page.read_text().split('\n## ')[1:-1]  # without "How the tables are made"
    assert len(sections) == 12
    for section in sections:
        # ± is in the tables in this form: .589 ± .019, and 30.4 ± 0.3°.
        pages = linked_text(page, section)
        known = {score.rstrip('°') for score in re.findall(r'[\d.]+', pages)}
        missing = [score for score in SCORE.findall(section) if score.rstrip('°') not in known]
        assert not missing, section.splitlines()[0]
