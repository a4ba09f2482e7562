"""The scores of the paper beside those of runs: only on its benchmarks, by its protocols."""

import numpy as np
import pytest

from helpers.run_folders import AP, ODS, OIS, table_rows, write_run
from ubernet_jax.comparison.columns import compare
from ubernet_jax.comparison.markdown import format_tables
from ubernet_jax.comparison.runs import read_run
from ubernet_jax.config import EvaluationConfig
from ubernet_jax.labels.standard import STANDARD
from ubernet_jax.metrics.boxes import Objects, ScoredBoxes
from ubernet_jax.metrics.semantic_boundaries import SemanticTruth
from ubernet_jax.tasks import PAPER
from ubernet_jax.tasks.published import PUBLISHED


def test_the_paper_has_columns_only_for_its_benchmarks_and_protocols(tmp_path):
    official = {'thresholds': '99, 0.01 to 0.99', 'max_distance': '0.0075 of the diagonal',
                'nms': 'smoothed'}  # fmt: skip
    scores = {'boundaries': {ODS: 0.7, OIS: 0.71, AP: 0.72}}

    def table(images, protocol):
        name = f'{images}{protocol["nms"]}{len(protocol)}'
        run = read_run(write_run(tmp_path / name, scores, images=images, protocol=protocol))
        return format_tables(compare([run], ['a']))

    text = table(200, official)
    assert table_rows(text)[0][-2:] == ['paper, 1 task', 'paper, 7 tasks']
    assert [row[-3:] for row in table_rows(text)[1:4]] == [
        ['.700', '.791', '.785'],
        ['.710', '.809', '.805'],
        ['.720', '.849', '.837'],
    ]
    assert 'arXiv 1609.02132' in text
    assert 'paper' not in table(40, official).lower()
    assert 'paper' not in table(200, {**official, 'nms': 'none'}).lower()
    assert 'paper' not in table(200, {**official, 'preset': 'atrc'}).lower()


LINE = np.eye(9, dtype=bool)
BOXES = np.array([[0.0, 0, 5, 5]])
UP = np.tile([0.0, 0, 1], (2, 2, 1))
CLASS_LINES = SemanticTruth(boundaries=np.tile(LINE, (20, 1, 1)), regions=np.ones((20, 9, 9), bool))
INPUTS = {
    'boundaries': (LINE * 1.0, LINE),
    'semantic_boundaries': (CLASS_LINES.boundaries * 1.0, CLASS_LINES),
    'detection_voc07': (
        ScoredBoxes(boxes=BOXES, scores=np.ones(1), classes=np.zeros(1, int)),
        Objects(boxes=BOXES, classes=np.zeros(1, int), difficult=np.zeros(1, bool)),
    ),
    'saliency': (LINE * 1.0, LINE),
    'parts': (LINE.astype(np.uint8), LINE.astype(np.uint8)),
    'normals': (UP, UP),
}


@pytest.mark.parametrize('benchmark', PUBLISHED, ids=lambda benchmark: benchmark[0])
def test_evaluate_uses_the_protocols_of_the_paper(benchmark):
    result, published = benchmark[0], PUBLISHED[benchmark]
    name = result.removesuffix('_voc07')
    metric = PAPER[name]().metrics(name, EvaluationConfig().thresholds, STANDARD)[result]
    metric.update(*INPUTS[result])
    scores = metric.compute()
    assert published.protocol.items() <= scores.protocol.items()
    names = {score.name for score in scores.scores()}
    assert published.one_task.keys() == published.seven_tasks.keys() <= names
